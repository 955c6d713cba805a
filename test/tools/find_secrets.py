#!/usr/bin/env python3
"""Looks for secrets in files: find_secrets.py SECRETS FILE...

SECRETS has a line "NAME HEX" for each. A secret is looked for as it is, as hexadecimal digits (any case,
with or without blanks, colons or commas in between) and as base64 (whatever stands before it). What is
found is printed, without the secret, and the exit status is 1.
"""
import base64
import sys

LEAST = 8  # bytes: less would be found by chance
BETWEEN = b" \t\r\n:,"


def base64_forms(secret):
    """Its characters whatever stands before it, without those that mix with what stands around."""
    for shift, mixed in ((0, 0), (1, 2), (2, 3)):
        yield base64.b64encode(b"\0" * shift + secret)[mixed:].rstrip(b"=")[:-1]


def views(content):
    packed = content.translate(None, BETWEEN)
    return content, packed.lower(), packed.replace(b"\\n", b"")


def main():
    found = 0
    secrets = [line.split() for line in open(sys.argv[1], encoding="ascii") if line.strip()]
    contents = [(name, views(open(name, "rb").read())) for name in sys.argv[2:]]
    for name, digits in secrets:
        secret = bytes.fromhex(digits)
        if len(secret) < LEAST:
            sys.exit(f"{name}: too short to look for")
        for file, (plain, hexadecimal, packed) in contents:
            for what, there in (("as it is", secret in plain), ("in hexadecimal", digits.lower().encode() in hexadecimal),
                                ("in base64", any(form in packed for form in base64_forms(secret)))):
                if there:
                    print(f"{file}: {name} {what}")
                    found += 1
    return 1 if found else 0


sys.exit(main())
