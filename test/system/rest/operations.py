#!/usr/bin/env python3
"""Every operation of the API at a running endpoint: operations.py PORT TOKEN-FILE [no-dataplane]

Each row is called as a client of the API does it: full path, api-version, segments in another case. The
answer, the style of what takes long (Azure-AsyncOperation, Location, Retry-After, an end in any case) and
the error of what is not built are checked. With no-dataplane the rows of changes must end in Failed and
leave everything as it was. TAP on stdout.
"""
import http.client
import json
import re
import ssl
import sys
import time

PORT, TOKEN = int(sys.argv[1]), open(sys.argv[2]).read().strip()
NO_DATAPLANE = len(sys.argv) > 3
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo"
BASE = GROUP + "/providers/Microsoft.Network"
VERSION = "api-version=2025-05-01"
GW, CONN, LNG = "/virtualNetworkGateways/gw", "/connections/ops", "/localNetworkGateways/ops"
RULE = GW + "/natRules/ops"
count = failed = 0
endpoint = http.client.HTTPSConnection("127.0.0.1", PORT, context=ssl._create_unverified_context(), timeout=30)


def expect(what, holds, detail=""):
    global count, failed
    count += 1
    failed += not holds
    print(f"{'ok' if holds else 'not ok'} {count} - {what}")
    if not holds:
        print(f"#   {detail}")


class Answer:
    def __init__(self, method, path, body=None, headers=None):
        text = None if body is None else json.dumps(body)
        sent = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json", **(headers or {})}
        while True:
            endpoint.request(method, path, text, sent)
            answer = endpoint.getresponse()
            raw = answer.read()
            if answer.status != 429:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        self.status, self.headers = answer.status, answer.headers
        self.json = json.loads(raw) if raw else None

    def error(self):
        return (self.json or {}).get("error", {}) if isinstance(self.json, dict) else {}

    def __str__(self):
        return f"{self.status} {dict(self.headers)} {json.dumps(self.json)[:600]}"


def call(method, path, body=None, query="", headers=None):
    return Answer(method, f"{BASE}{path}?{VERSION}{query}", body, headers)


def path_of(url):
    return url[url.index("/subscriptions/"):]


def end_of(answer):
    """The last state by Azure-AsyncOperation and the last answer at Location, when the headers are there."""
    state = result = None
    deadline = time.monotonic() + 20
    if "Azure-AsyncOperation" in answer.headers:
        while time.monotonic() < deadline:
            state = Answer("GET", path_of(answer.headers["Azure-AsyncOperation"]))
            if state.json["status"] != "InProgress":
                break
            if "Retry-After" not in state.headers:
                return state, None
            time.sleep(0.05)
    if "Location" in answer.headers:
        while time.monotonic() < deadline:
            result = Answer("GET", path_of(answer.headers["Location"]))
            if result.status != 202:
                break
            time.sleep(0.05)
    return state, result


def follows(number, answer, how, ends="Succeeded"):
    """`how` is what must be there: "aao" or "loc"."""
    header = {"aao": "Azure-AsyncOperation", "loc": "Location"}[how]
    state, result = end_of(answer)
    good = header in answer.headers and "Retry-After" in answer.headers
    if state is not None:
        good = good and state.status == 200 and state.json["status"] == ends and state.json.get("name")
        good = good and (ends == "Succeeded") == ("error" not in state.json)
    if result is not None:
        good = good and (result.status in (200, 204) if ends == "Succeeded" else result.status >= 400 and result.error().get("code"))
    expect(f"{number}: followed by {header} it ends in {ends}", good, f"{answer} / {state} / {result}")
    return result.json if result is not None else None


def is_resource(body, kind, name):
    return (body.get("name") == name and body.get("type") == "Microsoft.Network/" + kind and
            body.get("id", "").lower().endswith(f"/{kind}/{name}".lower()) and re.match(r'^W/"[0-9a-f-]{36}"$', body.get("etag", "")) and
            body["properties"].get("provisioningState") in ("Succeeded", "Updating"))


def changes():
    site = {"location": "here", "properties": {"gatewayIpAddress": "203.0.113.61", "localNetworkAddressSpace": {"addressPrefixes": ["10.61.0.0/16"]}}}
    connection = {"location": "here", "properties": {
        "virtualNetworkGateway1": {"id": BASE + GW}, "localNetworkGateway2": {"id": BASE + LNG}, "connectionType": "IPsec",
        "connectionMode": "ResponderOnly", "sharedKey": "Abc123"}}
    rule = {"properties": {"type": "Static", "mode": "EgressSnat", "internalMappings": [{"addressSpace": "10.0.1.0/24"}],
                           "externalMappings": [{"addressSpace": "100.64.1.0/24"}],
                           "ipConfigurationId": BASE + GW + "/ipConfigurations/default"}}
    for number, path, body, kind in ((50, LNG, site, "localNetworkGateways"), (38, CONN, connection, "connections"),
            (35, RULE, rule, "virtualNetworkGateways/natRules")):
        for status in (201, 200):
            made = call("PUT", path, body)
            good = made.status == status and made.json["name"] == "ops" and made.json["type"] == "Microsoft.Network/" + kind
            good = good and made.json["properties"]["provisioningState"] == "Updating" and "sharedKey" not in json.dumps(made.json)
            expect(f"{number}: PUT answers {status} and the resource", good, made)
            follows(number, made, "aao")
            got = call("GET", path)
            good = got.status == 200 and got.json["properties"]["provisioningState"] == "Succeeded" and got.json["etag"]
            expect(f"{number}: GET has it", good, got)


def reads():
    for number, path, least in ((5, "/virtualNetworkGateways", 1), (42, "/connections", 2), (54, "/localNetworkGateways", 2),
                                (37, GW + "/natRules", 1), (6, GW + "/connections", 2)):
        got = call("GET", path)
        expect(f"{number}: the list has at least {least}", got.status == 200 and len(got.json["value"]) >= least and
               got.json.get("nextLink") is None, got)
    full, entity = call("GET", CONN).json["properties"], [c for c in call("GET", GW + "/connections").json["value"] if c["name"] == "ops"][0]
    left_out = {"ingressNatRules", "egressNatRules", "dpdTimeoutSeconds", "useLocalAzureIpAddress", "authenticationType"}
    expect("6: its entities lack what Azure's lack, and nothing else", set(full) - set(entity["properties"]) == left_out & set(full) and
           {"dpdTimeoutSeconds", "useLocalAzureIpAddress"} <= set(full) and "routingWeight" in entity["properties"] and
           set(entity["properties"]["localNetworkGateway2"]) == {"id"}, entity)
    for path in ("/connections", GW + "/connections"):
        rest = call("GET", path, query="&$skiptoken=1")
        expect(f"a page of {path} begins where the link says", rest.status == 200 and
               len(rest.json["value"]) == len(call("GET", path).json["value"]) - 1, rest)
        bad = call("GET", path, query="&$skiptoken=x")
        expect("a link that is none of ours is refused", bad.status == 400 and bad.error()["target"] == "$skiptoken", bad)
    got = call("GET", GW)
    expect("2: GET of the gateway", got.status == 200 and is_resource(got.json, "virtualNetworkGateways", "gw"), got)
    expect("2: with its NAT rule", [r["name"] for r in got.json["properties"]["natRules"]] == ["ops"], got)
    other = Answer("GET", f"{BASE.upper()}/VIRTUALNETWORKGATEWAYS/GW?API-VERSION=2024-05-01")
    expect("2: whatever the case of its path", other.status == 200 and other.json["id"] == got.json["id"], other)
    key = call("GET", CONN + "/sharedkey")
    expect("44: the key, not to be stored", key.status == 200 and key.json["value"] == "Abc123" and key.headers["Cache-Control"] == "no-store", key)
    secrets = call("POST", GW + "/listRadiusSecrets")
    expect("14: RADIUS secrets: none", secrets.status == 200 and secrets.json["value"] == [] and secrets.headers["Cache-Control"] == "no-store", secrets)
    xml = call("POST", GW + "/supportedvpndevices")
    expect("13: supported devices: XML in a string", xml.status == 200 and "<RpVpnDeviceList" in xml.json, xml)
    script = call("POST", CONN + "/vpndeviceconfigurationscript", {"vendor": "strongSwan", "deviceFamily": "swanctl", "firmwareVersion": "5.9"})
    expect("21: a script in a string", script.status == 200 and isinstance(script.json, str), script)


def tags():
    for number, path, style in ((4, GW, "aao"), (41, CONN, "aao"), (53, LNG, None)):
        got = call("PATCH", path, {"tags": {"a": "b"}})
        expect(f"{number}: PATCH gives the resource with its tags", got.status == 200 and got.json["tags"] == {"a": "b"}, got)
        if style:
            follows(number, got, style)
        else:
            end_of(got)


def actions():
    put = call("PUT", CONN + "/sharedkey", {"value": "Def456"})
    expect("43: PUT of a key", put.status in (200, 201), put)
    follows(43, put, "aao")
    reset = call("POST", CONN + "/sharedkey/reset", {"keyLength": 32})
    expect("45: reset of a key", reset.status == 202, reset)
    expect("45: gives what was asked for", follows(45, reset, "loc") == {"keyLength": 32})
    expect("45: the key has 32 characters", len(call("GET", CONN + "/sharedkey").json["value"]) == 32)
    for number, path, body, check in (
            (48, CONN + "/getikesas", None, lambda r: json.loads(r)["Status"] == "Successful"),
            (49, CONN + "/resetconnection", None, lambda r: True),
            (46, CONN + "/startPacketCapture", {}, lambda r: isinstance(r, str)),
            (47, CONN + "/stopPacketCapture", {"sasUrl": "https://127.0.0.1/x"}, lambda r: isinstance(r, str)),
            (22, GW + "/startPacketCapture", {}, lambda r: isinstance(r, str)),
            (23, GW + "/stopPacketCapture", {"sasUrl": "https://127.0.0.1/x"}, lambda r: isinstance(r, str)),
            (7, GW + "/reset", None, lambda r: is_resource(r, "virtualNetworkGateways", "gw"))):
        got = call("POST", path, body)
        expect(f"{number}: POST {path.rsplit('/', 1)[1]} answers 202", got.status == 202, got)
        result = follows(number, got, "loc")
        expect(f"{number}: and gives its result", check(result), result)
    bad = call("POST", GW + "/reset", query="&gatewayVip=203.0.113.99")
    expect("7: gatewayVip must be ours", bad.status == 400 and bad.error()["code"] == "InvalidParameter", bad)
    bgp = call("POST", GW + "/getBgpPeerStatus")
    expect("12: BGP that is not enabled is said to be so", bgp.status == 409 and "BGP" in bgp.error()["message"], bgp)
    for number, action in ((15, "getLearnedRoutes"), (16, "getAdvertisedRoutes")):
        got = call("POST", f"{GW}/{action}", query="&peer=10.20.0.1")
        expect(f"{number}: so it is for {action}", got.status == 409 and "BGP" in got.error()["message"], got)


def absent():
    for number, action, body in (
            (8, "resetvpnclientsharedkey", None), (9, "generatevpnclientpackage", {"processorArchitecture": "Amd64"}),
            (10, "generatevpnprofile", {}), (11, "getvpnprofilepackageurl", None), (19, "setvpnclientipsecparameters", {}),
            (20, "getvpnclientipsecparameters", None), (28, "getVpnClientConnectionHealth", None),
            (29, "disconnectVirtualNetworkGatewayVpnConnections", {"vpnConnectionIds": []}),
            (30, "prepareMigration", {"migrationType": "UpgradeDeploymentToStandardIP"}), (31, "executeMigration", None),
            (32, "commitMigration", None), (33, "abortMigration", None)):
        for path in (GW + "/" + action, GW + "/" + action.upper()):
            got = call("POST", path, body)
            error = got.error()
            expect(f"{number}: {path.rsplit('/', 1)[1]} is not built, and said so", got.status == 501 and error["code"] == "NotImplemented" and
                   error["target"] == action and ("point-to-site" in error["message"] or "migration" in error["message"]), got)
        got = call("POST", "/virtualNetworkGateways/nowhere/" + action, body)
        expect(f"{number}: {action} of a gateway that is not there", got.status == 404 and got.error()["code"] == "ResourceNotFound", got)
    for number, action, query in (
            (17, "getResiliencyInformation", ""), (18, "getRoutesInformation", ""),
            (24, "getFailoverAllTestsDetails", "&type=SingleSiteFailover&fetchLatest=true"),
            (25, "getFailoverSingleTestDetails", "&peeringLocation=x&failoverTestId=y"),
            (26, "startSiteFailoverTest", "&peeringLocation=x"), (27, "stopSiteFailoverTest", "")):
        got = call("POST", f"{GW}/{action}", {}, query)
        expect(f"{number}: {action} is for ExpressRoute only", got.status == 400 and got.error()["code"] == "NotSupported", got)


def existence():
    """HEAD, which Azure answers with 204 or 404, and conditions."""
    for path, status in ((GROUP, 204), (GROUP + "none", 404), (BASE + GW, 204), (BASE + GW + "x", 404), (BASE + RULE, 204)):
        got = Answer("HEAD", f"{path}?{VERSION}")
        expect(f"HEAD {path.rsplit('/', 1)[1]}: {status} without a body", got.status == status and got.json is None, got)
    short = Answer("HEAD", "/healthz")
    expect("HEAD of a page of ours is GET without its body", short.status == 200 and short.json is None and
           int(short.headers["Content-Length"]) > 0, short)
    expect("a stream has none", Answer("HEAD", "/events").status == 405)
    site = call("GET", LNG)
    for name, value in (("If-None-Match", "*"), ("If-None-Match", site.json["etag"]), ("If-Match", 'W/"other"')):
        got = call("PUT", LNG, site.json, headers={name: value})
        expect(f"PUT with {name}: {value}", got.status == 412 and got.error()["code"] == "PreconditionFailed" and
               got.error()["target"] == name, got)
    good = call("PUT", LNG, site.json, headers={"If-Match": site.json["etag"]})
    expect("PUT of what GET gave with its etag", good.status == 200, good)
    follows(50, good, "aao")
    gateway = call("GET", GW)
    same = call("PUT", GW, gateway.json)
    follows(1, same, "aao")
    expect("a gateway that is put back as it is has not changed", call("GET", GW).json["etag"] == gateway.json["etag"], same)
    addresses = [one["properties"].get("privateIPAddress") for one in gateway.json["properties"]["ipConfigurations"]]
    expect("its instances have addresses out of GatewaySubnet", all(addresses) and len(set(addresses)) == len(addresses), addresses)
    network = gateway.json["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]
    used = Answer("DELETE", f"{network}?{VERSION}")
    expect("a subnet in use", used.status == 409 and used.error()["code"] == "InUseSubnetCannotBeDeleted" and
           "virtualNetworkGateways/gw" in used.error()["message"], used)
    kept = gateway.json["properties"]
    expect("a gateway says its generation", kept["vpnGatewayGeneration"] == {"none": "None"}.get(kept["sku"]["name"], "Generation1"), kept)


def wrong():
    rows = (
        ("no api-version", Answer("GET", BASE + GW), 400, "MissingApiVersionParameter"),
        ("an api-version that is none", Answer("GET", BASE + GW + "?api-version=new"), 400, "InvalidApiVersionParameter"),
        ("an api-version with more behind it", Answer("GET", BASE + GW + "?api-version=2025-05-01x"), 400, "InvalidApiVersionParameter"),
        ("a gateway that is not there", call("GET", "/virtualNetworkGateways/nowhere"), 404, "ResourceNotFound"),
        ("a NAT rule that is not there", call("GET", GW + "/natRules/nowhere"), 404, "NotFound"),
        ("a method that is not for it", call("POST", GW), 405, "MethodNotAllowed"),
        ("a NAT rule with '/'", call("PUT", GW + "/natRules/a%2fb", {"properties": {}}), 400, "InvalidRequestFormat"),
        ("a NAT rule without mappings", call("PUT", GW + "/natRules/x", {"properties": {"type": "Static"}}), 400, "InvalidRequestContent"),
        ("a connection with a NAT rule", call("PUT", CONN, {"properties": {
            "virtualNetworkGateway1": {"id": BASE + GW}, "localNetworkGateway2": {"id": BASE + LNG}, "connectionType": "IPsec",
            "egressNatRules": [{"id": BASE + RULE}]}}), 501, "FeatureNotImplemented"),
        ("a key of 129", call("POST", CONN + "/sharedkey/reset", {"keyLength": 129}), 400, "InvalidParameter"),
        ("no key", call("PUT", CONN + "/sharedkey", {"value": ""}), 400, "InvalidParameter"),
        ("a key with a blank", call("PUT", CONN + "/sharedkey", {"value": "a b"}), 400, "InvalidParameter"),
        ("PATCH of what is no tag", call("PATCH", CONN, {"properties": {"dpdTimeoutSeconds": 60}}), 400, "InvalidRequestContent"),
        ("a page before the first", call("GET", "/connections", query="&$skiptoken=-1"), 400, "InvalidParameter"),
    )
    for what, answer, status, code in rows:
        expect(f"{what}: {status} {code}", answer.status == status and answer.error().get("code") == code and
               len(answer.error().get("message", "")) > 10, answer)
    expect("the pointer of a NAT rule is into what was sent", rows[7][1].error()["target"].startswith("/properties/"), rows[7][1])
    expect("the pointer of a connection names the property", rows[8][1].error()["target"] == "/properties/egressNatRules", rows[8][1])
    expect("that of a key is in its body, too", rows[10][1].error()["target"] == rows[11][1].error()["target"] == "/value", rows[11][1])
    used = call("DELETE", LNG)
    expect("who uses it is the target", used.error()["target"].endswith(CONN), used)
    expect("a site that is in use", used.status == 409 and CONN.rsplit("/", 1)[1] in used.error()["message"], used)


def rules_stay():
    body = call("GET", GW).json
    rules = body["properties"].pop("natRules")
    put = call("PUT", GW, body)
    follows(1, put, "aao")
    expect("1: a gateway that does not speak of its NAT rules keeps them",
           [r["name"] for r in call("GET", GW + "/natRules").json["value"]] == ["ops"] and len(rules) == 1)
    body["properties"]["natRules"] = []
    follows(1, call("PUT", GW, body), "aao")
    expect("1: an empty list removes them", call("GET", GW + "/natRules").json["value"] == [])
    body["properties"]["natRules"] = rules
    follows(1, call("PUT", GW, body), "aao")
    expect("1: they come with the gateway, too", call("GET", RULE).status == 200)


def removals():
    for number, path in ((36, RULE), (40, CONN), (52, LNG)):
        gone = call("DELETE", path)
        expect(f"{number}: DELETE answers 202", gone.status == 202, gone)
        follows(number, gone, "loc")
        expect(f"{number}: it is gone", call("GET", path).status == 404)
        expect(f"{number}: again 204", call("DELETE", path).status == 204)


def without_dataplane():
    before = call("GET", "/localNetworkGateways").json
    begun = time.monotonic()
    made = call("PUT", LNG, {"properties": {"gatewayIpAddress": "203.0.113.61"}})
    other = call("PUT", "/localNetworkGateways/other", {"properties": {"gatewayIpAddress": "203.0.113.62"}})
    expect("a change is taken", made.status == 201 and other.status == 201, made)
    seen, again = call("GET", LNG), call("DELETE", LNG)
    expect("what is being created is there, and says so", seen.status == 200 and seen.json["properties"]["provisioningState"] == "Updating", seen)
    expect("and cannot be deleted meanwhile", again.status == 409 and again.error()["code"] == "AnotherOperationInProgress", again)
    follows(50, made, "aao", "Failed")
    state, _ = end_of(other)
    expect("and one behind it ends as well", state.json["status"] == "Failed", state)
    expect("the error says what to do", "vpngw-dataplane" in state.json["error"]["message"], state)
    took = time.monotonic() - begun
    expect(f"in the time that is configured ({took:.1f} s of 2)", 1.5 < took < 6, took)
    expect("everything is as it was", call("GET", "/localNetworkGateways").json == before)
    gone = call("DELETE", CONN.replace("ops", "to-branch"))
    seen = call("GET", CONN.replace("ops", "to-branch"))
    expect("what is being deleted says so", gone.status == 202 and seen.json["properties"]["provisioningState"] == "Deleting", seen)
    again = call("DELETE", CONN.replace("ops", "to-branch"))
    expect("a second DELETE is not told that it is gone", again.status == 409 and again.error()["code"] == "AnotherOperationInProgress", again)
    follows(40, gone, "aao", "Failed")
    seen = call("GET", CONN.replace("ops", "to-branch"))
    expect("and stays when that fails", seen.json["properties"]["provisioningState"] == "Succeeded", seen)
    for path in (CONN.replace("ops", "to-branch") + "/resetconnection", CONN.replace("ops", "to-branch") + "/getikesas", GW + "/reset"):
        got = call("POST", path)
        state, result = end_of(got) if got.status == 202 else (None, got)
        expect(f"{path.rsplit('/', 1)[1]} ends, too", result is not None and result.status != 202, got)
    capture = call("POST", GW + "/startPacketCapture")
    state, result = end_of(capture) if capture.status == 202 else (None, capture)
    expect("a capture ends or is refused", result.status in (200, 503), result)


def main():
    if NO_DATAPLANE:
        without_dataplane()
    else:
        changes()
        reads()
        tags()
        actions()
        absent()
        existence()
        wrong()
        rules_stay()
        removals()
    print(f"1..{count}")
    sys.exit(failed > 0)


main()
