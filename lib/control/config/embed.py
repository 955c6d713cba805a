"""usage: embed.py OUT NAME=FILE...  Writes C arrays config_embedded_NAME with the bytes of the files."""
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('#include "control/config/embedded.h"\n')
    for argument in sys.argv[2:]:
        name, path = argument.split("=", 1)
        with open(path, "rb") as source:
            data = source.read()
        out.write(f"\nstatic const uint8_t {name}[] = {{\n")
        for at in range(0, len(data), 20):
            out.write("\t" + ", ".join(str(b) for b in data[at:at + 20]) + ",\n")
        out.write(f"}};\nconst struct span config_embedded_{name} = {{ {name}, sizeof({name}) }};\n")
