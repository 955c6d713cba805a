#!/usr/bin/env python3
"""The command line against an endpoint that a test makes up: what is asked, shown, returned and completed."""
import http.server
import json
import os
import pty
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))  # a test goes elsewhere
ENVIRONMENT = {"PATH": os.environ["PATH"], "VPNGW_TOKEN": "secret"}
TUNNEL = {"name": "a/0", "connection": "to-branch", "connectionStatus": "Connected", "localAddress": "198.51.100.1",
          "remoteAddress": "203.0.113.1", "reason": "", "ingressBytes": 1, "egressBytes": 2}
USAGE = {"name": "gw", "sku": "VpnGw2", "refusedPacketsPerSecond": 0, "connections": [], "value": [
    {"name": {"value": "AggregateThroughput"}, "unit": "BitsPerSecond", "currentValue": 250000000, "limit": 1000000000,
     "headroom": 750000000},
    {"name": {"value": "SiteToSiteTunnels"}, "unit": "Count", "currentValue": 3, "limit": None, "headroom": None}]}
CARRIED = {"name": "to-branch", "tunnelHours": 1.5, "ingressBytes": 3000, "egressBytes": 5000000, "ingressByDestination": [
    {"destination": "VirtualNetwork", "bytes": 700, "packets": 7}, {"destination": "Site", "bytes": 2000, "packets": 2},
    {"destination": "VirtualNetworkGateway", "bytes": 100, "packets": 1},
    {"destination": "Internet", "bytes": 200, "packets": 2},
    {"destination": "PeeredVirtualNetwork", "bytes": 40, "packets": 1}]}
METERING = dict(CARRIED, name="gw", gatewayHours=2.25, connections=[CARRIED])
METERING["from"], METERING["to"] = "2026-11-01T00:00:00.000Z", "2026-11-28T00:00:00.000Z"
METRICS = '# TYPE a counter\na{x="1",y="q\\"u,}"} 7\nb 0.5\n'
EVENTS = ': vpngw\n\nid: 1\nevent: tunnel\ndata: {"tunnel":"a/0"}\n\n'
# What each command is called with, and what its -o json has at the top: names of members, or what every line has.
SHAPES = {
    "status": ([], {"dataPlane", "revision", "gateways", "tunnels"}),
    "connections": ([], {"value"}),
    "tunnels": ([], {"dataPlane", "revision", "gateways", "tunnels"}),
    "sas": (["to-branch"], {"Data"}),
    "routes": ([], {"value"}),
    "usage": (["gw"], {"name", "sku", "refusedPacketsPerSecond", "value", "connections"}),
    "metering": (["gw"], {"name", "from", "to", "gatewayHours", "connections"}),
    "skus": ([], {"value"}),
    "metrics": ([], {"value"}),
    "events": ([], {"event", "data"}),
    "config show": ([], {"appliance"}),
    "config check": (["x.json"], {"good", "messages"}),
    "config apply": ([], {"status"}),
    "config diff": ([], {"changes"}),
    "config history": ([], {"value"}),
    "config rollback": (["7"], {"status"}),
    "config confirm": ([], {"status"}),
    "reset": (["to-branch"], {"status"}),
    "rekey": (["to-branch"], {"status"}),
    "reset-gateway": (["gw"], {"status"}),
    "get": (["/anything"], {"any"}),
    "put": (["/connections/x", "BODY"], {"status"}),
    "delete": (["/connections/x"], {"status"}),
    "circuits": ([], {"value"}),
    "bgp peers": (["gw"], {"value"}),
    "bgp learned": (["gw"], {"value"}),
    "bgp advertised": (["gw", "10.0.0.1"], {"value"}),
    "capture start": (["to-branch"], {"status"}),
    "capture stop": (["to-branch"], {"Data"}),
    "capture list": ([], {"value", "files"}),
    "capture get": (["a.pcapng", "SAVED"], {"status"}),
    "capture delete": (["a.pcapng"], {"status"}),
    "trace": ([], {"step"}),
    "token create": (["me", "read"], {"name", "token"}),
    "token list": ([], {"value"}),
    "token delete": (["me"], {"status"}),
}
PAGES = {
    "/connections": {"value": [{"name": "to-branch", "properties": {
        "connectionType": "IPsec", "connectionStatus": "Connected", "ingressBytesTransferred": 1500,
        "egressBytesTransferred": 2000000, "provisioningState": "Succeeded"}}]},
    "/status": {"dataPlane": "attached", "revision": 3, "gateways": [USAGE], "tunnels": [TUNNEL]},
    "/usage": {"value": [USAGE]},
    "/virtualNetworkGateways/gw/usage": dict(USAGE, connections=[{"name": "to-branch", "value": [
        {"name": {"value": "Throughput"}, "unit": "BitsPerSecond", "currentValue": 1000, "limit": None,
         "headroom": None}]}]),
    "/virtualNetworkGateways/gw/metering": METERING,
    "/virtualNetworkGateways/gw/metering?from=2026-11-01T00:00:00%2B01:00&to=2026-11-28": METERING,
    "/virtualNetworkGateways/gw/metering?format=csv": METERING,
    "/routes": {"value": []}, "/skus": {"value": []}, "/config": {"appliance": {}},
    "/captures": {"value": [{"name": "to-branch", "of": "connection", "packets": 3, "bytes": 4500, "lost": 0}],
                  "files": [{"name": "to-branch-1.pcapng", "bytes": 5000, "changedMs": 0, "running": True},
                            {"name": "a.pcapng", "bytes": 12, "changedMs": 1000, "running": False}]},
    "/circuits": {"value": [{"port": "er0", "linkUp": True, "neighbor": "172.16.0.2", "asn": 65010, "state": "Connected",
                             "routesReceived": 2, "routesSent": 1}]},
    "/anything": {"any": 1},
    "/history": {"value": [{"revision": 7, "timeMs": 0, "cause": "file", "actor": "-", "set": 1, "deleted": 0}]},
    "/virtualNetworkGateways": {"value": [{"name": "gw"}]},
    # A long list; its links are whole URLs, and so is the path of a page that a link leads to.
    "/many": {"value": [{"name": "a"}, {"name": "b"}], "nextLink": "https://gateway/many?$skiptoken=2"},
    "/many?$skiptoken=2": {"value": [{"name": "c"}], "nextLink": "https://gateway/many?$skiptoken=3"},
    "/many?$skiptoken=3": {"value": [{"name": "d"}]},
    "/torn": {"value": [{"name": "a"}], "nextLink": "https://gateway/nothing"},
}
REFUSED = {"code": "InvalidParameter", "message": "Must be 9 to 3600.", "target": "/properties/dpdTimeoutSeconds"}


class Endpoint(http.server.BaseHTTPRequestHandler):
    polls = 0
    asked = []
    slow_s = 0

    def answer(self, status, body=None, **headers):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def send_text(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        Endpoint.asked.append(("GET", self.path))
        time.sleep(Endpoint.slow_s)
        allowed = self.headers.get("Authorization") == "Bearer secret"
        if self.path in ("/metrics", "/captures/a.pcapng") or (self.path == "/events" and allowed):
            self.send_text({"/metrics": METRICS, "/events": EVENTS}.get(self.path, "bytes"))
        elif not allowed:
            self.answer(401, {"error": {"code": "AuthenticationFailed", "message": "The token is not known."}})
        elif self.path.startswith("/operations/"):
            Endpoint.polls += 1
            failed = self.path.endswith("bad")
            self.answer(200, {"status": "InProgress"} if Endpoint.polls < 3 else
                        {"status": "Failed", "error": {"code": "Nope", "message": "It did not work."}} if failed else
                        {"status": "Succeeded"})
        elif self.path == "/results/sas":
            self.answer(200, json.dumps({"Data": [{"localEndpoint": "a", "quickModeSa": [{"inboundSPI": 255}]}]}))
        elif self.path == "/results/routes":
            self.answer(200, {"value": []})
        elif self.path == "/results/captured":
            self.answer(200, json.dumps({"Data": [{"packets": 1, "files": []}]}))
        elif self.path in PAGES:
            self.answer(200, PAGES[self.path])
        else:
            self.answer(404, {"error": {"code": "NotFound", "message": "There is nothing at this path."}})

    def change(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        Endpoint.asked.append((self.command, self.path, body))
        Endpoint.polls = 0
        host = "https://" + self.headers["Host"]
        results = [("getikesas", "sas"), ("Routes", "routes"), ("getBgpPeerStatus", "routes"), ("stopPacketCapture", "captured")]
        result = [name for end, name in results if self.path.split("?")[0].endswith(end)]
        if result:
            self.answer(202, Azure_AsyncOperation=host + "/operations/1", Location=host + "/results/" + result[0])
        elif self.path == "/config/import?dryRun=true":
            self.answer(200, {"changes": []})
        elif self.path == "/trace":
            self.send_text('data: {"step":"route"}\n\n')
        elif self.path == "/connections/refused":
            self.answer(400, {"error": dict(REFUSED, details=[REFUSED])})
        elif self.path.startswith("/config/import") and "refused" in body:
            self.answer(400, {"error": dict(REFUSED, details=[REFUSED, REFUSED])})
        elif self.path == "/connections/warned":
            self.answer(200, {}, Warning='299 vpngw "/properties/colour: Is not known and was ignored."')
        else:
            name = "bad" if "bad" in self.path or "bad" in body else "good"
            self.answer(202, Azure_AsyncOperation=host + "/operations/" + name)

    do_POST = do_PUT = do_DELETE = change

    def log_message(self, *arguments):
        pass


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        files = [os.path.join(cls.folder.name, name) for name in ("key", "certificate")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", files[0], "-out", files[1]], check=True,
                       capture_output=True)
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        cls.server.handle_error = lambda *arguments: None  # who asks gives up in a test
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files[1], files[0])
        cls.server.socket = context.wrap_socket(cls.server.socket, server_side=True)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.options = ["--url", "https://127.0.0.1:%d" % cls.server.server_port, "--ca", files[1]]

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        cls.folder.cleanup()

    def setUp(self):
        Endpoint.asked = []
        Endpoint.slow_s = 0

    def call(self, *words, code=0, **environment):
        done = subprocess.run([PROGRAM, *self.options, *words], text=True, capture_output=True, timeout=20,
                              env={**ENVIRONMENT, **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def complete(self, *words):
        done = subprocess.run([PROGRAM, "complete", *self.options, *words], text=True, capture_output=True,
                              timeout=20, env=ENVIRONMENT)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def commands(self):
        text = self.call("--help").stdout
        return [name.split() for name in re.findall(r"^  ([a-z][a-z-]*(?: [a-z]+)?) ", text, re.M)]

    def test_every_command_has_help_with_an_example(self):
        commands = self.commands()
        self.assertGreater(len(commands), 15)
        for words in commands:
            text = self.call(*words, "--help").stdout
            self.assertIn("usage: vpngw " + " ".join(words), text)
            self.assertRegex(text, "example:\n  vpngw " + " ".join(words))

    def test_every_command_has_json_of_a_stable_shape(self):
        self.assertEqual({" ".join(words) for words in self.commands()}, set(SHAPES))
        files = {"BODY": os.path.join(self.folder.name, "shape.json"), "SAVED": os.path.join(self.folder.name, "saved")}
        with open(files["BODY"], "w", encoding="utf-8") as file:
            file.write("{}")
        control = os.path.join(self.folder.name, "vpngw-control")
        with open(control, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho good\n")
        os.chmod(control, 0o755)
        for name, (arguments, members) in SHAPES.items():
            with self.subTest(name):
                done = self.call(*name.split(), *[files.get(a, a) for a in arguments], "-o", "json",
                                 PATH=self.folder.name + ":" + ENVIRONMENT["PATH"],
                                 VPNGW_TOKENS=os.path.join(self.folder.name, "shape.tokens"))
                for line in done.stdout.splitlines():
                    self.assertEqual(members - set(json.loads(line)), set(), done.stdout)
                self.assertTrue(done.stdout)

    def test_metrics_as_json(self):
        self.assertEqual(json.loads(self.call("metrics", "-o", "json").stdout)["value"], [
            {"name": "a", "labels": {"x": "1", "y": 'q"u,}'}, "value": 7}, {"name": "b", "labels": {}, "value": 0.5}])
        self.assertEqual(self.call("metrics").stdout, METRICS)

    def test_usage(self):
        lines = [line.split() for line in self.call("usage").stdout.splitlines()]
        self.assertEqual(lines[0], ["NAME", "WHAT", "USED", "LIMIT", "FREE"])
        self.assertEqual(lines[1], "gw AggregateThroughput 250.0 Mbit/s 1.0 Gbit/s 750.0 Mbit/s".split())
        self.assertEqual(lines[2], ["gw", "SiteToSiteTunnels", "3", "-", "-"])
        self.assertEqual(self.call("usage", "gw").stdout.splitlines()[3].split(),
                         ["to-branch", "Throughput", "1.0", "kbit/s", "-", "-"])
        self.call("usage", "none", code=5)

    def test_metering(self):
        out = self.call("metering", "--from", "2026-11-01T00:00:00+01:00", "--to", "2026-11-28").stdout
        self.assertIn("2.25 gateway hours", out)
        for name in ("to-branch", "all"):
            self.assertRegex(out, r"(?m)^%s +1\.50 +5\.0 MB +3\.0 kB +700 B +40 B +2\.1 kB +200 B$" % name)
        self.assertIn("ingressByDestination", self.call("metering", "gw", "--csv").stdout)
        self.call("metering", "gw", "--from", "x" * 2000, code=2)

    def test_status_shows_what_is_free(self):
        self.assertIn("250.0 Mbit/s of 1.0 Gbit/s, 750.0 Mbit/s free   3 connections", self.call("status").stdout)

    def test_endpoint_that_does_not_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
            url = "https://127.0.0.1:%d" % silent.getsockname()[1]
            before = time.monotonic()
            done = self.call("--url", url, "--timeout", "1", "status", code=3)
            self.assertLess(time.monotonic() - before, 5)
            self.assertIn("no answer within 1 s", done.stderr)
        Endpoint.slow_s = 3  # speaks TLS, and then not
        self.assertIn("no answer within 1 s", self.call("connections", "--timeout", "1", code=3).stderr)
        self.call("--timeout", "0", "status", code=2)
        self.assertIn("Connection refused", self.call("--url", "https://127.0.0.1:1", "status", code=3).stderr)

    def test_every_command_completes(self):
        for words in self.commands():
            for i in range(len(words)):
                self.assertIn(words[i], self.complete(*words[:i + 1]))

    def test_circuits(self):
        lines = [line.split() for line in self.call("circuits").stdout.splitlines()]
        self.assertEqual(lines, [["PORT", "LINK", "PEER", "AS", "STATE", "RECEIVED", "SENT"],
                                 ["er0", "up", "172.16.0.2", "65010", "Connected", "2", "1"]])

    def test_table(self):
        lines = self.call("connections").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "TYPE", "STATUS", "IN", "OUT", "PROVISIONING"])
        self.assertEqual(lines[1].split(), ["to-branch", "IPsec", "Connected", "1.5", "kB", "2.0", "MB", "Succeeded"])
        self.assertEqual(lines[0].index("STATUS"), lines[1].index("Connected"))

    def test_json_is_what_the_endpoint_said(self):
        for output in (["-o", "json"], ["--output=json"], ["--output", "json"]):
            self.assertEqual(json.loads(self.call("connections", *output).stdout), PAGES["/connections"])
        self.assertEqual(json.loads(self.call("reset", "to-branch", "-o", "json").stdout), {"status": "Succeeded"})

    def test_exit_codes(self):
        self.call("nonsense", code=2)
        self.call("reset", code=2)
        self.call("reset", "a/../b", code=2)
        self.call("status", "--nonsense", code=2)
        self.call("-o", "xml", "status", code=2)
        self.call("--url", "https://127.0.0.1:1", "status", code=3)
        self.call("connections", code=4, VPNGW_TOKEN="wrong")
        self.call("get", "/nothing", code=5)
        self.call("reset", "bad", code=1)

    def test_errors_say_what_and_what_to_do(self):
        self.assertIn("NotFound: There is nothing", self.call("get", "/nothing", code=5).stderr)
        self.assertIn("Nope: It did not work.", self.call("reset", "bad", code=1).stderr)
        self.assertIn("did you mean 'status'?", self.call("stats", code=2).stderr)
        self.assertEqual(self.call("xyz", code=2).stderr, "vpngw: unknown command 'xyz'; see vpngw --help\n")
        self.assertIn("unknown option --nonsense of status", self.call("status", "--nonsense", code=2).stderr)
        for command in ("connections", "events"):
            self.assertIn("token create", self.call(command, code=4, VPNGW_TOKEN="wrong").stderr)
        error = json.loads(self.call("get", "/nothing", "-o", "json", code=5).stderr)
        self.assertEqual(error["error"]["code"], "NotFound")

    def test_refusals_say_where_and_warnings_are_shown(self):
        name = os.path.join(self.folder.name, "any.json")
        with open(name, "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertEqual(self.call("put", "/connections/refused", name, code=1).stderr,
                         "vpngw: InvalidParameter: /properties/dpdTimeoutSeconds: Must be 9 to 3600.\n")
        self.assertEqual(self.call("put", "/connections/warned", name).stderr,
                         "vpngw: warning: /properties/colour: Is not known and was ignored.\n")

    def test_long_lists_are_whole(self):
        self.assertEqual(json.loads(self.call("get", "/many").stdout), {"value": [{"name": n} for n in "abcd"]})
        self.assertEqual([path for _, path in Endpoint.asked], ["/many", "/many?$skiptoken=2", "/many?$skiptoken=3"])
        self.assertEqual(self.call("get", "/torn", code=5).stdout, "")

    def test_get_is_laid_out_on_a_terminal_only(self):
        self.assertIn('{\r\n', self.on_terminal("get", "/anything"))
        self.assertEqual(self.call("get", "/anything").stdout, json.dumps(PAGES["/anything"]) + "\n")

    def test_certificate_is_checked(self):
        done = subprocess.run([PROGRAM, *self.options[:2], "status"], text=True, capture_output=True, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 3)
        self.assertIn("certificate verify failed", done.stderr)

    def test_change_is_followed_to_its_end(self):
        self.assertEqual(self.call("reset", "to-branch").stdout, "done\n")
        self.assertEqual(Endpoint.asked[0], ("POST", "/connections/to-branch/resetconnection", ""))
        self.assertEqual(Endpoint.polls, 3)

    def test_reset_with_drain(self):
        self.call("reset", "to-branch", "--drain")
        self.assertEqual(Endpoint.asked[0][1], "/connections/to-branch/resetconnection?drain=true")

    def test_result_of_an_action(self):
        self.assertIn("000000ff in", self.call("sas", "to-branch").stdout)
        self.assertEqual(json.loads(self.call("sas", "to-branch", "-o", "json").stdout)["Data"][0]["localEndpoint"], "a")

    def test_put_from_a_file(self):
        name = os.path.join(self.folder.name, "body.json")
        with open(name, "w", encoding="utf-8") as file:
            file.write('{"a":1}')
        self.call("put", "/connections/x", name)
        self.assertEqual(Endpoint.asked[0], ("PUT", "/connections/x", '{"a":1}'))
        self.assertIn("No such file", self.call("put", "/connections/x", name + ".not", code=1).stderr)

    def config_file(self, text):
        name = os.path.join(self.folder.name, "new.json")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def test_config_is_applied_from_a_file(self):
        name = self.config_file('{"connections":[]}')
        self.assertEqual(self.call("config", "apply", name).stdout, "done\n")
        self.assertEqual(Endpoint.asked[0], ("POST", "/config/import", '{"connections":[]}'))
        Endpoint.asked = []
        self.assertIn("taken back in 9 s", self.call("config", "apply", name, "--confirm", "9").stdout)
        self.assertEqual(Endpoint.asked[0], ("POST", "/config/import?confirm=9", '{"connections":[]}'))
        Endpoint.asked = []
        self.assertEqual(self.call("config", "apply", "--dry-run", name).stdout, "nothing would change\n")
        self.assertEqual(Endpoint.asked, [("POST", "/config/import?dryRun=true", '{"connections":[]}')])

    def test_config_is_applied_from_standard_input(self):
        done = subprocess.run([PROGRAM, *self.options, "config", "apply", "-", "-o", "json"], input='{"connections":[]}',
                              text=True, capture_output=True, timeout=20, env=ENVIRONMENT)
        self.assertEqual(json.loads(done.stdout), {"status": "Succeeded"}, done.stderr)
        self.assertEqual(Endpoint.asked[0], ("POST", "/config/import", '{"connections":[]}'))

    def test_config_apply_without_a_file_takes_the_gateways(self):
        self.call("config", "apply")
        self.assertEqual(Endpoint.asked[0], ("POST", "/config/import", ""))

    def test_nothing_is_applied_from_what_is_empty(self):
        for text in ("", "{}", "{ }\n"):
            for command in ("apply", "diff"):
                self.assertRegex(self.call("config", command, self.config_file(text), code=1).stderr, "new.json: (empty|holds no)")
        self.assertIn("No such file", self.call("config", "apply", self.folder.name + "/none", code=1).stderr)
        self.assertEqual(Endpoint.asked, [])

    def test_refused_config_says_where(self):
        name = self.config_file('{"refused":1}')
        self.assertIn("  /properties/dpdTimeoutSeconds: Must be 9 to 3600.\n", self.call("config", "apply", name, code=1).stderr)
        error = json.loads(self.call("config", "apply", name, "-o", "json", code=1).stderr)["error"]
        self.assertEqual(error["details"][1]["target"], "/properties/dpdTimeoutSeconds")
        error = json.loads(self.call("config", "apply", self.config_file('{"bad":1}'), "-o", "json", code=1).stderr)["error"]
        self.assertEqual(error, {"code": "Nope", "message": "It did not work."})

    def test_captures_and_their_files(self):
        running, files = self.call("capture", "list").stdout.split("\n\n")
        self.assertEqual(running.splitlines()[1].split(), ["to-branch", "connection", "3", "4.5", "kB", "0"])
        self.assertEqual([line.split() for line in files.splitlines()],
                         [["FILE", "SIZE", "CHANGED", "CAPTURE"],
                          ["to-branch-1.pcapng", "5.0", "kB", "1970-01-01", "00:00:00Z", "running"],
                          ["a.pcapng", "12", "B", "1970-01-01", "00:00:01Z", "ended"]])
        self.assertEqual(self.call("capture", "get", "a.pcapng", "-").stdout, "bytes")
        self.assertEqual(self.call("capture", "delete", "a.pcapng").stdout, "done\n")
        self.assertEqual(Endpoint.asked[2], ("DELETE", "/captures/a.pcapng", ""))

    def test_names_complete(self):
        self.assertEqual(self.complete("reset", ""), ["to-branch"])
        self.assertEqual(self.complete("reset", "x"), [])
        self.assertEqual(self.complete("reset-gateway", "g"), ["gw"])
        self.assertEqual(self.complete("config", "rollback", ""), ["7"])
        self.assertEqual(self.complete("config", "check", ""), ["FILE"])
        self.assertEqual(self.complete("config", "apply", ""), ["FILE"])
        self.assertEqual(self.complete("capture", "get", ""), ["to-branch-1.pcapng", "a.pcapng"])
        self.assertEqual(self.complete("capture", "get", "a.pcapng", ""), ["FILE"])
        self.assertEqual(self.complete("capture", "delete", "a"), ["a.pcapng"])
        self.assertEqual(self.complete("token", "create", "me", "o"), ["operate"])
        self.assertIn("--insecure", self.complete("status", "--i"))

    def test_paths_complete(self):
        self.assertEqual(self.complete("get", "/st"), ["/status"])
        self.assertEqual(self.complete("get", "/c"), ["/config", "/captures", "/circuits", "/connections"])
        self.assertEqual(self.complete("put", "/connections/t"), ["/connections/to-branch"])
        self.assertEqual(self.complete("delete", "/virtualNetworkGateways/"), ["/virtualNetworkGateways/gw"])
        self.assertEqual(self.complete("capture", "start", "t"), ["to-branch"])

    def test_bash_completes(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../scripts/package/completion/vpngw.bash")
        lines = "source %s; COMP_WORDS=(%s config roll); COMP_CWORD=2; _vpngw; echo ${COMPREPLY[@]}" % (script, PROGRAM)
        done = subprocess.run(["bash", "-c", lines], text=True, capture_output=True, env=ENVIRONMENT)
        self.assertEqual(done.stdout, "rollback\n", done.stderr)
        self.config_file("{}")
        lines = "source %s; cd %s; COMP_WORDS=(%s config apply new.j); COMP_CWORD=3; _vpngw 2>/dev/null; echo ${COMPREPLY[@]}" % (
            script, self.folder.name, PROGRAM)
        done = subprocess.run(["bash", "-c", lines], text=True, capture_output=True, env=ENVIRONMENT)
        self.assertEqual(done.stdout, "new.json\n", done.stderr)

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_completes(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../scripts/package/completion")
        self.config_file("{}")
        master, slave = pty.openpty()
        shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                 env={"PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"], "TERM": "dumb",
                                      "HOME": self.folder.name})
        os.close(slave)
        said = b""

        def until(text):
            nonlocal said
            end = time.monotonic() + 60  # compinit on a machine with other work
            while text not in said and time.monotonic() < end:
                if select.select([master], [], [], 0.2)[0]:
                    said += os.read(master, 4096)
            self.assertIn(text, said)
            said = b""

        try:
            os.write(master, b"fpath=(%s $fpath); autoload -Uz compinit && compinit -u -D; echo lo''aded\n" % folder.encode())
            until(b"\nloaded")
            os.write(master, b"vpngw config roll\t")
            until(b"back")
            os.write(master, b"\x15vpngw token create me op\t")
            until(b"erate")
            os.write(master, b"\x15cd %s; echo mo''ved\n" % self.folder.name.encode())
            until(b"\nmoved")
            os.write(master, b"vpngw config apply new.j\t")
            until(b"son")
        finally:
            shell.kill()
            shell.wait()
            os.close(master)

    def on_terminal(self, *words):
        """Output and error of a terminal, until the program ends."""
        master, slave = pty.openpty()
        program = subprocess.Popen([PROGRAM, *self.options, *words], stdout=slave, stderr=slave, env=ENVIRONMENT)
        os.close(slave)
        output = b""
        try:
            while piece := os.read(master, 4096):
                output += piece
        except OSError:
            pass  # the other end has gone
        os.close(master)
        self.assertEqual(program.wait(timeout=20), 0)
        return output.decode()

    def test_colours_and_progress_on_a_terminal_only(self):
        Endpoint.slow_s = 1.3
        output = self.on_terminal("connections")
        self.assertIn("\033[1m", output)
        self.assertIn("waiting for the gateway: 1 s", output)
        done = self.call("connections")
        self.assertNotIn("\033", done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")

    def test_watch_draws_again(self):
        program = subprocess.Popen([PROGRAM, *self.options, "connections", "--watch"], stdout=subprocess.PIPE, text=True,
                                   env=ENVIRONMENT)
        try:
            lines = [program.stdout.readline() for _ in range(4)]
        finally:
            program.kill()
            program.communicate()
        self.assertEqual(lines[:2], lines[2:])
        self.assertNotIn("\033", "".join(lines))
        self.assertIn("cannot be watched", self.call("reset", "to-branch", "--watch", code=2).stderr)
        self.assertEqual(Endpoint.asked[-1][1], "/connections")

    def test_help_before_a_command(self):
        self.assertEqual(self.call("help").stdout, self.call("--help").stdout)
        self.assertEqual(self.call("help", "config", "diff").stdout, self.call("config", "diff", "--help").stdout)
        self.assertIn("vpngw config diff", self.call("help", "config").stdout)
        self.call("help", "nonsense", code=2)

    def test_events_for_people(self):
        self.assertEqual(self.call("events").stdout, "tunnel tunnel=a/0\n")

    def test_capture_that_is_not_there(self):
        name = os.path.join(self.folder.name, "none.pcapng")
        self.assertIn("NotFound", self.call("capture", "get", "b.pcapng", name, code=5).stderr)
        self.assertFalse(os.path.exists(name))

    def test_token_list_and_delete(self):
        name = os.path.join(self.folder.name, "several")
        self.assertEqual(self.call("token", "list", VPNGW_TOKENS=name).stdout, "NAME  ROLE  EXPIRES\n")
        for words in (["me", "read"], ["grafana", "admin", "2099-01-31T00:00:00Z"], ["me", "operate"]):
            self.call("token", "create", *words, VPNGW_TOKENS=name)
        with open(name, "r+", encoding="utf-8") as file:
            text = file.read()
            file.write("# me too\n")
        os.chmod(name, 0o640)
        listed = self.call("token", "list", VPNGW_TOKENS=name)
        self.assertEqual([line.split() for line in listed.stdout.splitlines()[1:]],
                         [["me", "read", "never"], ["grafana", "admin", "2099-01-31T00:00:00Z"], ["me", "operate", "never"]])
        self.assertNotIn("sha256", listed.stdout)
        self.call("token", "delete", "me", VPNGW_TOKENS=name)
        with open(name, encoding="utf-8") as file:
            self.assertEqual(file.read(), text.splitlines()[1] + "\n# me too\n")
        self.assertEqual(os.stat(name).st_mode & 0o777, 0o600)
        self.assertIn("no token 'me'", self.call("token", "delete", "me", code=5, VPNGW_TOKENS=name).stderr)
        self.call("token", "delete", "me", code=1, VPNGW_TOKENS=name + ".none")

    def test_token_create(self):
        name = os.path.join(self.folder.name, "tokens")
        token = json.loads(self.call("token", "create", "me", "read", "-o", "json", VPNGW_TOKENS=name).stdout)["token"]
        with open(name, encoding="utf-8") as file:
            line = file.read()
        self.assertRegex(line, "^me read never sha256:[0-9a-f]{64}\n$")
        self.assertNotIn(token, line)
        self.call("token", "create", "me", "king", code=2, VPNGW_TOKENS=name)
        self.call("token", "create", 'm"e', "read", code=2, VPNGW_TOKENS=name)
        self.assertIn("has passed", self.call("token", "create", "old", "read", "2020-01-01", code=2, VPNGW_TOKENS=name).stderr)
        with open(name, encoding="utf-8") as file:
            self.assertEqual(file.read(), line)


if __name__ == "__main__":
    unittest.main()
