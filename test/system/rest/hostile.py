#!/usr/bin/env python3
"""What nobody sane sends, at the REST endpoint: hostile.py PORT TOKEN-FILE PID

Every row is sent on a connection of its own and must be answered with 4xx (501 and 505 where HTTP says
so) and an error in JSON, soon; after each a well-behaved client is served, nothing was changed, and at
the end the program has not grown. So it is for those that are slow, and for those that only connect.
TAP on stdout.
"""
import http.client
import json
import re
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
            head, end, body = answer.partition(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            if end and length and len(body) >= int(length[1]):
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
    """501 is for methods and codings that nobody has (RFC 9110, 15.6.2), 505 for other versions."""
    head, _, body = answer.partition("\r\n\r\n")
    status = head[9:12]
    if head[:9] != "HTTP/1.1 " or not (status[0] == "4" or status in ("501", "505")):
        return False
    try:
        error = json.loads(body)["error"]
        return bool(error["code"]) and len(error["message"]) > 10 and "application/json" in head
    except (ValueError, KeyError):
        return False


def plain(source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", PORT), timeout=20, source_address=(source, 0))


def wave(rows, what):
    wrong = []
    for name, data in rows.items():
        answer = send(data)
        if not refused(answer):
            wrong.append((name, answer[:120]))
        if get("/healthz")[0] != 200:
            wrong.append((name, "and others are not served"))
    expect(f"{what}: {len(rows)} rows are refused, others are served", not wrong, wrong)


def drip(what, data, most):
    """A byte now and then: a deadline for all of it ends that, whatever comes in between."""
    connection = tls()
    begun = time.monotonic()
    answer = b""
    try:
        for i in range(len(data)):
            connection.sendall(data[i:i + 1])
            connection.settimeout(0.3)
            try:
                answer += connection.recv(65536)
                break
            except socket.timeout:
                pass
        connection.settimeout(5)
        while part := connection.recv(65536):
            answer += part
    except (ConnectionError, ssl.SSLError, socket.timeout):
        pass
    took = time.monotonic() - begun
    connection.close()
    expect(f"{what} that never ends is answered with 408 ({took:.1f} s)", answer.startswith(b"HTTP/1.1 408 ") and
           refused(answer.decode("latin-1")) and took < most, answer[:200])


def idle_connections():
    """More silent connections of one address than are allowed: others are served at once, and it again in a while."""
    held = []
    for _ in range(130):
        try:
            held.append(plain("127.0.0.2"))
        except OSError:
            break
    begun = time.monotonic()
    status = get("/healthz")[0]
    took = time.monotonic() - begun
    closed = 0
    for connection in held:
        connection.settimeout(0.001)
        try:
            closed += connection.recv(1) == b""
        except socket.timeout:
            pass
        except OSError:
            closed += 1
    expect(f"130 silent connections of one address keep nobody else out ({took:.2f} s)", status == 200 and took < 2, status)
    expect(f"those above 50 are closed ({closed})", closed >= 80, closed)
    time.sleep(4)
    for connection in held:
        connection.settimeout(0.001)
        try:
            closed += connection.recv(1) == b""
        except OSError:
            pass
        connection.close()
    again = plain("127.0.0.2")
    again.settimeout(0.5)
    try:
        served = again.recv(1) != b""
    except socket.timeout:
        served = True
    again.close()
    expect("after their time the address may connect again", served)


def main():
    before = get("/localNetworkGateways")[1]
    wave({name: put(body) for name, body in BODIES.items()}, "bodies")
    wave({f"name {name[:20]}": put(properties(GOOD), "/localNetworkGateways/" + name) for name in NAMES}, "names")
    wave(HEADERS, "requests")
    for connect, what in ((plain, "plain HTTP at the TLS port"),):
        answer = send(b"GET /status HTTP/1.1\r\n\r\n", connect)
        expect(f"{what} is refused", answer == "" or not answer.startswith("HTTP"), answer)
    drip("a head", f"GET /status HTTP/1.1\r\n{AUTH}".encode() + b"X: y\r\n" * 100, 10)
    drip("a body", put("[" + "1," * 400 + "1]"), 15)
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
