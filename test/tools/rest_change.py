#!/usr/bin/env python3
"""What changes and reads of single resources take at a running endpoint, as one JSON object.

rest_change.py PORT TOKEN-FILE CONNECTION ROUNDS [PID]

A change is a PUT of CONNECTION with another dpdTimeoutSeconds, done when its operation says Succeeded;
a creation is a new connection with its site, which go away again. With PID (of vpngw-control) the
processor time of that program is given as well: on a shared machine the clock says little.
"""
import http.client
import json
import ssl
import statistics
import sys
import time


class Endpoint:
    def __init__(self, port, token):
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
        self.headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        while True:
            self.connection.request(method, path, text, self.headers)
            answer = self.connection.getresponse()
            raw = answer.read()
            if answer.status != 429:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        if answer.status >= 400:
            sys.exit(f"{method} {path}: {answer.status} {raw.decode()}")
        return answer, json.loads(raw) if raw else None

    def change(self, method, path, body=None):
        """Until the operation is done."""
        answer, _ = self.call(method, path, body)
        url = answer.headers["Azure-AsyncOperation"]
        while True:
            _, state = self.call("GET", url[url.index("/subscriptions"):])
            if state["status"] != "InProgress":
                break
        if state["status"] != "Succeeded":
            sys.exit(f"{method} {path}: {state}")


def cpu_ms(pid):
    fields = open(f"/proc/{pid}/schedstat").read().split()
    return int(fields[0]) / 1e6


def measured(pid, rounds, action):
    clock, cpu = [], []
    for i in range(rounds):
        begun, used = time.perf_counter(), cpu_ms(pid) if pid else 0
        action(i)
        clock.append((time.perf_counter() - begun) * 1e3)
        cpu.append((cpu_ms(pid) if pid else 0) - used)
    result = {"median_ms": round(statistics.median(clock), 3), "min_ms": round(min(clock), 3),
              "max_ms": round(max(clock), 3)}
    if pid:
        result["cpu_median_ms"] = round(statistics.median(cpu), 3)
    return result


def main():
    port, token, name, rounds = int(sys.argv[1]), open(sys.argv[2]).read().strip(), sys.argv[3], int(sys.argv[4])
    pid = int(sys.argv[5]) if len(sys.argv) > 5 else None
    api = Endpoint(port, token)
    _, body = api.call("GET", f"/connections/{name}")
    kept = body["properties"].get("dpdTimeoutSeconds", 45)

    def put(i):
        body["properties"]["dpdTimeoutSeconds"] = kept + 1 + i
        api.change("PUT", f"/connections/{name}", body)

    def create(_):
        api.change("PUT", "/localNetworkGateways/rest-change", {"properties": {
            "gatewayIpAddress": "198.19.255.1",
            "localNetworkAddressSpace": {"addressPrefixes": ["100.64.7.0/24"]}}})
        api.change("PUT", "/connections/rest-change", {"properties": {
            "virtualNetworkGateway1": body["properties"]["virtualNetworkGateway1"],
            "localNetworkGateway2": {"id": "rest-change"}, "connectionType": "IPsec",
            "connectionMode": "ResponderOnly"}})
        api.change("DELETE", "/connections/rest-change")
        api.change("DELETE", "/localNetworkGateways/rest-change")

    results = {
        "get": measured(pid, 50 * rounds, lambda i: api.call("GET", f"/connections/{name}")),
        "change": measured(pid, rounds, put),
        "create_and_delete_4": measured(pid, max(1, rounds // 3), create),
    }
    print(json.dumps(results))


main()
