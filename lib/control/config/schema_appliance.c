#include "control/config/json_in.h"
#include "control/config/schema_rows.h"

#include <ctype.h>
#include <string.h>

static const struct schema_enum role_values[] = {
	{ .name = "public", .value = CONFIG_ROLE_PUBLIC },
	{ .name = "private", .value = CONFIG_ROLE_PRIVATE },
	{ .name = "both", .value = CONFIG_ROLE_PUBLIC | CONFIG_ROLE_PRIVATE },
	{ .name = "circuit", .value = CONFIG_ROLE_CIRCUIT },
	{ 0 }
};
static const struct schema_enum idle_values[] = { { .name = "poll", .value = CONFIG_IDLE_POLL },
						  { .name = "rest", .value = CONFIG_IDLE_REST },
						  { 0 } };
static const struct schema_enum profile_values[] = {
	{ .name = "strong", .value = CONFIG_CRYPTO_STRONG },
	{ .name = "azure-compat", .value = CONFIG_CRYPTO_AZURE_COMPAT },
	{ 0 }
};
static const struct schema_enum token_role_values[] = {
	{ .name = "read", .value = CONFIG_TOKEN_READ },
	{ .name = "operate", .value = CONFIG_TOKEN_OPERATE },
	{ .name = "admin", .value = CONFIG_TOKEN_ADMIN },
	{ 0 }
};

static bool check_port_name(const struct schema_field *field, const void *value,
			    const struct where *where, struct config_report *report)
{
	const char *name = *(const char *const *)value;

	for (const char *c = name; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("_-.", *c))
			continue;
		where_error(report, where, CODE_PARAMETER,
			    "May hold letters, digits, '_', '-' and '.' only: the Linux mirror of "
			    "the port has this name.");
		return false;
	}
	return true;
}

static bool check_token_hash(const struct schema_field *field, const void *value,
			     const struct where *where, struct config_report *report)
{
	const char *hash = *(const char *const *)value;

	if (!strncmp(hash, "sha256:", 7) && strlen(hash + 7) == 64 &&
	    strspn(hash + 7, "0123456789abcdef") == 64)
		return true;
	where_error(report, where, CODE_PARAMETER,
		    "Must be \"sha256:\" and 64 lower-case hexadecimal digits; `vpngw token "
		    "create` makes one.");
	return false;
}

static const struct schema_field port_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_port, name),
	  .min = 1,
	  .max = 12,
	  .check = check_port_name,
	  .help = "Also the name of its Linux interface." },
	{ .name = "device",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_RESTART,
	  SCHEMA_AT(config_port, device),
	  .min = 1,
	  .max = 255,
	  .help = "PCI address (`0000:3b:00.0`) or a DPDK virtual device with its arguments "
		  "(`net_af_packet0,iface=eth1`)." },
	{ .name = "role",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_RESTART,
	  SCHEMA_AT(config_port, role),
	  .values = role_values,
	  .help = "`public`: outside addresses live here; `private`: the inside network; "
		  "`circuit`: a private circuit to sites beside the VPN (ExpressRoute), preferred "
		  "to "
		  "it for equal prefixes; tunnels with `useLocalAzureIpAddress` run over it." },
	{ .name = "vlan",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_port, vlan),
	  .max = 4094,
	  .help = "0: untagged." },
	{ .name = "mtu",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_port, mtu),
	  .min = 1280,
	  .max = 9600,
	  .preset = 1500,
	  .help = "" },
	{ .name = "queues",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_port, queues),
	  .max = 64,
	  .help = "0: one per worker." },
	{ .name = "addresses",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_INTERFACE,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_port, addresses),
	  .max = 32,
	  .help = "With prefix length; put on the Linux interface of the port." },
	{ .name = "gateway",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_port, gateway),
	  .help = "IPv4 next hop for what leaves here and is not connected." },
	{ .name = "gateway6",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_port, gateway6),
	  .help = "The same for IPv6." },
	{ .name = "probe",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_port, probe),
	  .help = "An IPv4 address behind the gateway that answers pings, sent five times a second "
		  "from "
		  "the port's first address. Unanswered for a second, the tunnels of this port "
		  "count as "
		  "without a path: their flows go by the others, and return when it answers." },
	{ .name = "bgpSettings",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_port, bgp),
	  .object = &schema_bgp,
	  .help = "Of a `circuit`: the router at its other end, `asn` and `bgpPeeringAddress`." },
};
static const struct schema_object port_object = { .name = "port",
						  SCHEMA_ROWS(port_rows),
						  .size = sizeof(struct config_port) };

#define CORE_ROW(json_name, member, text)                                                          \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_INT, .status = SCHEMA_ENFORCED,                  \
		.flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT, SCHEMA_AT(config_cores, member),     \
		.max = 1023, .help = text                                                          \
	}

static const struct schema_field cores_rows[] = {
	CORE_ROW("control", control, "CPU of vpngw-control."),
	CORE_ROW("main", main, "CPU of the data plane's main thread."),
	{ .name = "workers",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART,
	  SCHEMA_AT(config_cores, workers),
	  .max = 64,
	  .help = "CPUs that carry packets. Empty: one, the last CPU." },
	{ .name = "spreadInbound",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_cores, spread_inbound),
	  .help = "Workers with time to spare decrypt packets of an SA that another one receives: "
		  "one "
		  "tunnel takes several cores inbound, its flows keep their order. For workers "
		  "that have their CPUs for themselves." },
};
static const struct schema_object cores_object = { .name = "cores", SCHEMA_ROWS(cores_rows) };

static const struct schema_field memory_rows[] = {
	{ .name = "hugePages",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  .preset = 1,
	  SCHEMA_AT(config_memory, huge_pages),
	  .help = "false: ordinary pages, slower; for machines where none can be had." },
	{ .name = "megabytes",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_memory, megabytes),
	  .min = 64,
	  .max = 1048576,
	  .preset = 512,
	  .help = "For the data plane." },
	{ .name = "packets",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_memory, packets),
	  .min = 1024,
	  .max = 16777216,
	  .preset = 32768,
	  .help = "Packet buffers." },
};
static const struct schema_object memory_object = { .name = "memory", SCHEMA_ROWS(memory_rows) };

#define MAXIMUM(json_name, member, value, top, text)                                               \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_INT, .status = SCHEMA_ENFORCED,                  \
		.flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT, SCHEMA_AT(config_maxima, member),    \
		.min = 1, .max = top, .preset = value, .help = text                                \
	}

static const struct schema_field maxima_rows[] = {
	MAXIMUM("securityAssociations", security_associations, 65536, 1048576, ""),
	MAXIMUM("tunnels", tunnels, 20480, 262144, "A connection has up to four."),
	MAXIMUM("connections", connections, 10240, 131072, ""),
	MAXIMUM("nextHops", next_hops, 32768, 1048576, ""),
	MAXIMUM("groups", groups, 20480, 262144, "Flow groups of tunnels."),
	MAXIMUM("limits", limits, 20480, 262144, ""),
	MAXIMUM("routes4", routes4, 131072, 4194304, ""),
	MAXIMUM("routes6", routes6, 32768, 1048576, ""),
	MAXIMUM("domains", domains, 4, 256, "Routing domains."),
	{ .name = "selectorPairs",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_maxima, selector_pairs),
	  .min = 1,
	  .max = 1000,
	  .preset = 200,
	  .help = "Children of a connection with policy-based selectors: pairs of a prefix here "
		  "and a "
		  "prefix there." },
};
static const struct schema_object maxima_object = { .name = "maxima", SCHEMA_ROWS(maxima_rows) };

static const struct schema_field listener_rows[] = {
	{ .name = "address",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_RESTART,
	  SCHEMA_AT(config_listener, addr),
	  .help = "" },
	{ .name = "port",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_listener, port),
	  .min = 1,
	  .max = 65535,
	  .preset = 8443,
	  .help = "" },
	{ .name = "tls",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  .preset = 1,
	  SCHEMA_AT(config_listener, tls),
	  .help = "false only on a loopback address." },
};
static const struct schema_object listener_object = { .name = "API listener",
						      SCHEMA_ROWS(listener_rows),
						      .size = sizeof(struct config_listener) };

static const struct schema_field token_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_token, name),
	  .min = 1,
	  .max = 80,
	  .help = "Stands in the audit log." },
	{ .name = "role",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_token, role),
	  .values = token_role_values,
	  .help = "" },
	{ .name = "hash",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_token, hash),
	  .min = 1,
	  .max = 80,
	  .check = check_token_hash,
	  .help = "`sha256:` and the hash of the token; the token itself is kept nowhere." },
	{ .name = "expires",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_token, expires),
	  .max = 40,
	  .help = "`2027-01-31T00:00:00Z`; absent: never." },
};
static const struct schema_object token_object = { .name = "API token",
						   SCHEMA_ROWS(token_rows),
						   .size = sizeof(struct config_token) };

#define API_LIMIT(json_name, member, low, top, value, text)                                        \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_INT, .status = SCHEMA_ENFORCED,                  \
		.flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT, SCHEMA_AT(config_api_limits, member),   \
		.min = low, .max = top, .preset = value, .help = text                              \
	}

static const struct schema_field api_limit_rows[] = {
	API_LIMIT("changesPerSecond", changes_per_s, 1, 1000000, 20, "Per token."),
	API_LIMIT("changesBurst", changes_burst, 1, 1000000, 40, "Per token."),
	API_LIMIT("readsPerSecond", reads_per_s, 1, 10000000, 10000, "Per token; as many at once."),
	API_LIMIT("failedAuthenticationsPerMinute", failed_authentications_per_min, 1, 10000, 5,
		  "Per source; then 429."),
	API_LIMIT("bodyBytes", body_bytes, 1024, 67108864, 1048576, "More is answered with 413."),
	API_LIMIT("bodyDepth", body_depth, 8, CONFIG_JSON_DEPTH, CONFIG_JSON_DEPTH,
		  "Of arrays and objects in one another."),
	API_LIMIT("headerBytes", header_bytes, 1024, 1048576, 16384,
		  "Request line and headers; more is answered with 431."),
	API_LIMIT("connections", connections, 1, 100000, 100,
		  "At the same time; those above wait until one ends."),
	API_LIMIT("connectionsPerSource", connections_per_source, 1, 100000, 50,
		  "Of one address (IPv6: /64); those above are closed."),
	API_LIMIT("headerSeconds", header_s, 1, 600, 10,
		  "For the whole head of a request, TLS included; then 408."),
	API_LIMIT("bodySeconds", body_s, 1, 3600, 30, "For the whole body of a request; then 408."),
	API_LIMIT("timeoutSeconds", timeout_s, 1, 600, 10,
		  "A connection without a request, or whose client takes nothing of an answer, for "
		  "this long is closed."),
	API_LIMIT("operationSeconds", operation_s, 1, 3600, 30,
		  "A change that the data plane has not taken after this long is taken back, its "
		  "operation has failed."),
	API_LIMIT("streams", streams, 1, 10000, 32, "Event streams at the same time."),
};
static const struct schema_object api_limits_object = { .name = "API limits",
							SCHEMA_ROWS(api_limit_rows) };

#define API_FILE(json_name, member, text)                                                          \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_STRING, .status = SCHEMA_ENFORCED,               \
		.flags = SCHEMA_RESTART, SCHEMA_AT(config_api, member), .max = 4095, .help = text  \
	}

static const struct schema_field api_rows[] = {
	{ .name = "listeners",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART,
	  SCHEMA_AT(config_api, listeners),
	  .object = &listener_object,
	  .max = 16,
	  .help = "Empty: 127.0.0.1 port 8443 with TLS." },
	API_FILE("certificateFile", certificate_file,
		 "PEM. Absent: a self-signed one is made in the state directory."),
	API_FILE("privateKeyFile", private_key_file, "PEM, mode 0600."),
	API_FILE("clientCaFile", client_ca_file, "PEM. Clients must show a certificate of it."),
	API_FILE("tokensFile", tokens_file, "More tokens, made by `vpngw token create`."),
	{ .name = "tokens",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_api, tokens),
	  .object = &token_object,
	  .max = 1000,
	  .help = "" },
	{ .name = "limits",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE,
	  SCHEMA_AT(config_api, limits),
	  .object = &api_limits_object,
	  .help = "" },
};
static const struct schema_object api_object = { .name = "API", SCHEMA_ROWS(api_rows) };

#define METERING(json_name, member, low, top, value, text)                                         \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_INT, .status = SCHEMA_ENFORCED,                  \
		.flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT, SCHEMA_AT(config_metering, member),     \
		.min = low, .max = top, .preset = value, .help = text                              \
	}

static const struct schema_field metering_rows[] = {
	METERING("retentionDays", retention_days, 1, 3660, 400,
		 "How long what was metered can be asked for."),
	METERING("megabytes", megabytes, 16, 1048576, 1024,
		 "For its files in the state directory; the oldest go first."),
};
static const struct schema_object metering_object = { .name = "metering",
						      SCHEMA_ROWS(metering_rows) };

#define APPLIANCE_TEXT(json_name, member, how, value, text)                                        \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_STRING, .status = SCHEMA_ENFORCED,               \
		.flags = (how) | SCHEMA_HAS_DEFAULT, SCHEMA_AT(config_appliance, member),          \
		.max = 4095, .preset_text = value, .help = text                                    \
	}
#define APPLIANCE_GROUP(json_name, member, table)                                                  \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_OBJECT, .status = SCHEMA_ENFORCED,               \
		.flags = SCHEMA_INLINE, SCHEMA_AT(config_appliance, member), .object = &(table),   \
		.help = ""                                                                         \
	}

static const struct schema_field appliance_rows[] = {
	APPLIANCE_TEXT("subscriptionId", subscription_id, SCHEMA_RESTART,
		       "00000000-0000-0000-0000-000000000000",
		       "Qualifies short paths and bare names."),
	APPLIANCE_TEXT("resourceGroup", resource_group, SCHEMA_RESTART, "vpngw",
		       "Qualifies short paths and bare names."),
	APPLIANCE_TEXT("stateDirectory", state_directory, SCHEMA_RESTART, "/var/lib/vpngw",
		       "The journal with the running configuration; mode 0700."),
	APPLIANCE_TEXT("dataplaneSocket", dataplane_socket, SCHEMA_RESTART,
		       "/run/vpngw/dataplane.sock", "Where the two programs meet."),
	APPLIANCE_TEXT("skuFile", sku_file, SCHEMA_RESTART, NULL,
		       "A catalogue in place of the built-in one."),
	APPLIANCE_TEXT("diagnosticLogs", diagnostic_logs, SCHEMA_LIVE,
		       "GatewayDiagnosticLog,TunnelDiagnosticLog,RouteDiagnosticLog,"
		       "P2SDiagnosticLog",
		       "The categories of Azure's diagnostic logs that are written, as JSON lines; "
		       "there is also `IKEDiagnosticLog`. Under systemd to the journal "
		       "(`SYSLOG_IDENTIFIER=vpngw-diagnostics`)."),
	APPLIANCE_TEXT(
		"diagnosticFile", diagnostic_file, SCHEMA_RESTART, NULL,
		"Where they go without systemd; `diagnostics.jsonl` in the state directory."),
	APPLIANCE_TEXT("logLevels", log_levels, SCHEMA_LIVE, "info", "`info,ike=debug`."),
	{ .name = "cryptoProfile",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  .preset = CONFIG_CRYPTO_STRONG,
	  SCHEMA_AT(config_appliance, crypto_profile),
	  .values = profile_values,
	  .help = "What connections without a policy offer and accept." },
	{ .name = "limitDirection",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_appliance, limit_direction),
	  .values = schema_direction_values,
	  .help = "How the limit of a SKU counts: both directions together, or each." },
	{ .name = "idle",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_RESTART | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_appliance, idle),
	  .values = idle_values,
	  .help = "`rest`: idle workers sleep; for virtual and test machines." },
	{ .name = "sequenceSpread",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_appliance, sequence_spread),
	  .min = 1,
	  .max = 65536,
	  .preset = 32,
	  .help = "The smallest replay window of a peer that several workers sending on one SA "
		  "keep within; of SAs made from now on. More lets workers send larger bursts, "
		  "less "
		  "than 4 a worker lets one at a time send." },
	{ .name = "history",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_appliance, history),
	  .min = 1,
	  .max = 10000,
	  .preset = 100,
	  .help = "Revisions that can be rolled back to." },
	{ .name = "ports",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_appliance, ports),
	  .object = &port_object,
	  .max = 64,
	  .help = "" },
	APPLIANCE_GROUP("cores", cores, cores_object),
	APPLIANCE_GROUP("memory", memory, memory_object),
	APPLIANCE_GROUP("maxima", maxima, maxima_object),
	APPLIANCE_GROUP("metering", metering, metering_object),
	APPLIANCE_GROUP("api", api, api_object),
};
const struct schema_object schema_appliance = {
	.name = "appliance",
	SCHEMA_ROWS(appliance_rows),
	.size = sizeof(struct config_appliance),
};
