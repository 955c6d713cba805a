#!/usr/bin/env python3
"""What nobody sane sends, at the REST endpoint: hostile.py PORT TOKEN-FILE PID

Every row is sent on a connection of its own and must end in an answer of 4xx or in the end of the
connection, soon; after each a well-behaved client is served, nothing was changed, and at the end the
program has not grown. TAP on stdout.
"""
import http.client
import json
import socket
import ssl
import sys
import time

PORT, TOKEN, PID = int(sys.argv[1]), open(sys.argv[2]).read().strip(), int(sys.argv[3])
AUTH = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
SITE = "/localNetworkGateways/hostile"
CONTEXT = ssl._create_unverified_context()
GROWTH_KB = 24 * 1024
count = failed = 0


def expect(what, holds, detail=""):
    global count, failed
    count += 1
    failed += not holds
    print(f"{'ok' if holds else 'not ok'} {count} - {what}")
    if not holds:
        print(f"#   {detail}")


def tls():
    raw = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    return CONTEXT.wrap_socket(raw)


def send(data, connect=tls):
    """What came back: "" when the other end just closed."""
    connection = connect()
    answer = b""
    try:
        connection.sendall(data)
        while len(answer) < 65536:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
            if b"\r\n\r\n" in answer and b"Connection: close" not in answer:
                break
    except (ConnectionError, ssl.SSLError, socket.timeout) as error:
        if isinstance(error, socket.timeout):
            return "timeout"
    finally:
        connection.close()
    return answer.decode("latin-1")


def put(body, path=SITE):
    if isinstance(body, str):
        body = body.encode()
    return f"PUT {path} HTTP/1.1\r\n{AUTH}Content-Length: {len(body)}\r\n\r\n".encode() + body


def properties(text):
    return '{"properties":' + text + "}"


def rss_kb():
    for line in open(f"/proc/{PID}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def get(path):
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=CONTEXT, timeout=10)
    connection.request("GET", path, headers={"Authorization": "Bearer " + TOKEN})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


GOOD = '{"gatewayIpAddress":"203.0.113.200","localNetworkAddressSpace":{"addressPrefixes":["10.250.0.0/16"]}}'
BODIES = {
    "a body that is empty": "",
    "text that is no JSON": "hello",
    "half of an object": properties(GOOD)[:-1],
    "bytes after the object": properties(GOOD) + "x",
    "an array": "[]",
    "a number": "7",
    "depth 100,000": "[" * 100000 + "]" * 100000,
    "depth 1,000 below a property": properties('{"tags":' * 1000 + "1" + "}" * 1000),
    "a key twice": properties('{"gatewayIpAddress":"203.0.113.1","gatewayIpAddress":"203.0.113.2"}'),
    "NaN": properties('{"bgpSettings":{"asn":NaN}}'),
    "1e999": properties('{"gatewayIpAddress":"203.0.113.200","bgpSettings":{"asn":1e999}}'),
    "a fraction for a number": properties('{"gatewayIpAddress":"203.0.113.200","bgpSettings":{"asn":1.5}}'),
    "a negative number": properties('{"gatewayIpAddress":"203.0.113.200","bgpSettings":{"asn":-1}}'),
    "a lone surrogate": properties('{"gatewayIpAddress":"\\ud800"}'),
    "NUL in a string": properties('{"gatewayIpAddress":"203.0.113.200\\u0000.evil"}'),
    "bytes that are no UTF-8": b'{"tags":{"a":"\xff\xfe"},"properties":' + GOOD.encode() + b"}",
    "a BOM and nothing": b"\xef\xbb\xbf",
    "the wrong type everywhere": '{"location":7,"tags":[],"properties":"x"}',
    "an address that is none": properties('{"gatewayIpAddress":"999.1.1.1"}'),
    "a prefix that is none": properties('{"gatewayIpAddress":"203.0.113.200","localNetworkAddressSpace":'
                                        '{"addressPrefixes":["10.0.0.0/99"]}}'),
    "1,000,000 bytes of one string": properties('{"gatewayIpAddress":"' + "1" * 999900 + '"}'),
    "100,000 elements": properties('{"localNetworkAddressSpace":{"addressPrefixes":[' + '"10.0.0.0/8",' * 70000 + '"x"]}}'),
}
NAMES = ["%27%3B%20rm%20-rf", "%24%28id%29", "%25s%25n", "a%0ab", "a%00b", "..%2f..%2fetc", "x" * 10000, "%2e%2e", "a%7fb"]
HEADERS = {
    "a body of 10 MB": put("[" + "1," * 5000000 + "1]"),
    "a length below zero": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Content-Length: -1\r\n\r\n".encode(),
    "a length of 2^64": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Content-Length: 18446744073709551616\r\n\r\n".encode(),
    "two lengths": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Content-Length: 5\r\nContent-Length: 50\r\n\r\n12345".encode(),
    "length and chunks": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
    "a chunk of 2^64 - 1": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx".encode(),
    "a chunk of no size": f"PUT {SITE} HTTP/1.1\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n".encode(),
    "a request line of 100 KB": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    "10,000 headers": f"GET /status HTTP/1.1\r\n{AUTH}".encode() + b"X: y\r\n" * 10000 + b"\r\n",
    "a header without an end": f"GET /status HTTP/1.1\r\n{AUTH}X: ".encode() + b"y" * 200000 + b"\r\n\r\n",
    "a header without a colon": f"GET /status HTTP/1.1\r\n{AUTH}nonsense\r\n\r\n".encode(),
    "a method that is none": f"BREW /status HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "CONNECT": f"CONNECT example.com:443 HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "TRACE": f"TRACE / HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "HTTP/9.9": f"GET /status HTTP/9.9\r\n{AUTH}\r\n".encode(),
    "no version": b"GET /status\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "NUL bytes": b"\x00" * 5000 + b"\r\n\r\n",
    "random bytes": bytes((i * 7919 + i // 3) % 256 for i in range(50000)) + b"\r\n\r\n",
    "an absolute URI of elsewhere": f"GET http://169.254.169.254/latest HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "a query of 3,000 parameters": b"GET /status?" + b"a=b&" * 3000 + f" HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "a path of 2,000 segments": b"GET " + b"/a" * 2000 + f" HTTP/1.1\r\n{AUTH}\r\n".encode(),
    "no token": b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n",
    "a token of 8 KB": b"GET /healthz2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"A" * 8000 + b"\r\n\r\n",
    "If-Match that is stale": put(properties(GOOD), "/localNetworkGateways/branch").replace(
        b"Content-Type", b'If-Match: W/"old"\r\nContent-Type'),
}


def refused(answer):
    """A method that HTTP does not have is 501 by RFC 9110, section 15.6.2."""
    return answer.startswith("HTTP/1.1 501 ") and "<HTML>" in answer or answer == "" or answer[:9] in ("HTTP/1.1 ", "HTTP/1.0 ") and answer[9] == "4"


def plain():
    return socket.create_connection(("127.0.0.1", PORT), timeout=20)


def wave(rows, what):
    wrong = []
    for name, data in rows.items():
        answer = send(data)
        if not refused(answer):
            wrong.append((name, answer[:120]))
        if get("/healthz")[0] != 200:
            wrong.append((name, "and others are not served"))
    expect(f"{what}: {len(rows)} rows are refused, others are served", not wrong, wrong)


def idle_connections():
    """More silent connections than are allowed: somebody is served again when their time is up."""
    held = []
    for _ in range(130):
        try:
            held.append(plain())
        except OSError:
            break
    begun = time.monotonic()
    try:
        status = None
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=CONTEXT, timeout=60)
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        status = error
    took = time.monotonic() - begun
    for connection in held:
        connection.close()
    expect(f"130 silent connections do not keep others out for long ({took:.1f} s)", status == 200 and took < 45, status)


def main():
    before = get("/localNetworkGateways")[1]
    wave({name: put(body) for name, body in BODIES.items()}, "bodies")
    wave({f"name {name[:20]}": put(properties(GOOD), "/localNetworkGateways/" + name) for name in NAMES}, "names")
    wave(HEADERS, "requests")
    for connect, what in ((plain, "plain HTTP at the TLS port"),):
        expect(f"{what} is refused", refused(send(b"GET /status HTTP/1.1\r\n\r\n", connect)))
    grown = rss_kb()
    for _ in range(20):
        for body in BODIES.values():
            send(put(body))
    grown = rss_kb() - grown
    expect(f"the same {20 * len(BODIES)} times over: memory stays ({grown} KB)", grown < GROWTH_KB, grown)
    idle_connections()
    time.sleep(1)
    after = get("/localNetworkGateways")[1]
    expect("nothing was changed by any of it", json.loads(before) == json.loads(after), after[:300])
    print(f"1..{count}")
    sys.exit(failed > 0)


main()
