#!/usr/bin/env python3
"""usage: loop_latency.py PORT TOKEN-FILE

Asks the gateway's REST endpoint for /healthz again and again over one connection until SIGTERM, and then says how long it
took: control answers from the one loop that does everything else, so the longest answer is how long that loop stood still.
A JSON object: answers, median_ms, p99_ms, most_ms. Exit: 0, 1 when it was never answered."""
import http.client
import json
import signal
import ssl
import sys
import time


def main():
    port, token = int(sys.argv[1]), open(sys.argv[2]).read().strip()
    trust_any = ssl.create_default_context()
    trust_any.check_hostname = False
    trust_any.verify_mode = ssl.CERT_NONE
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    connection, times = None, []
    while not stopped:
        began = time.monotonic()
        try:
            if not connection:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trust_any)
            connection.request("GET", "/healthz", headers={"Authorization": "Bearer " + token})
            connection.getresponse().read()
            times.append((time.monotonic() - began) * 1000)
        except (OSError, http.client.HTTPException):
            connection = None
        time.sleep(0.01)
    times.sort()
    if times:
        print(json.dumps({"answers": len(times), "median_ms": round(times[len(times) // 2], 1),
                          "p99_ms": round(times[len(times) * 99 // 100], 1), "most_ms": round(times[-1], 1)}))
    return 0 if times else 1


if __name__ == "__main__":
    sys.exit(main())
