#include "picture.h"

#include <stdio.h>
#include <string.h>

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const char *color(const struct cli *cli, const char *code)
{
	return cli->color ? code : "";
}

static bool is(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(object, name));
}

/* One word for a tunnel, and its colour. */
static const char *state_of(const cJSON *tunnel, const char **code)
{
	const char *state = cli_text(tunnel, "connectionStatus");

	*code = RED;
	if (is(tunnel, "pathDown"))
		return "no path";
	if (is(tunnel, "suspect"))
		return "suspect";
	if (!strcmp(state, "Connected"))
		*code = GREEN;
	else if (!strcmp(state, "Connecting"))
		*code = YELLOW;
	return state;
}

static void draw_tunnel(const struct cli *cli, const cJSON *tunnel)
{
	char in[CLI_UNIT_TEXT], out[CLI_UNIT_TEXT];
	const char *code;
	const char *state = state_of(tunnel, &code);

	printf("  %-18s %-15s === %s%-12s%s === %-15s in %-12s out %-12s %s\n",
	       cli_text(tunnel, "connection"), cli_text(tunnel, "localAddress"), color(cli, code),
	       state, color(cli, PLAIN), cli_text(tunnel, "remoteAddress"),
	       cli_rate(in, cli_number(tunnel, "ingressBitsPerSecond")),
	       cli_rate(out, cli_number(tunnel, "egressBitsPerSecond")),
	       cli_text(tunnel, "reason"));
}

static void draw_gateway(const struct cli *cli, const cJSON *gateway)
{
	const cJSON *rate = cli_usage_item(gateway, "AggregateThroughput");
	const cJSON *sites = cli_usage_item(gateway, "SiteToSiteTunnels");
	double refused = cli_number(gateway, "refusedPacketsPerSecond");
	char now[CLI_UNIT_TEXT], limit[CLI_UNIT_TEXT], left[CLI_UNIT_TEXT];

	printf("%-20s %-10s %s", cli_text(gateway, "name"), cli_text(gateway, "sku"),
	       cli_rate(now, cli_number(rate, "currentValue")));
	if (cJSON_IsNumber(cJSON_GetObjectItem(rate, "limit")))
		printf(" of %s, %s free", cli_rate(limit, cli_number(rate, "limit")),
		       cli_rate(left, cli_number(rate, "headroom")));
	if (refused > 0)
		printf(", %s%.0f packets/s over it%s", color(cli, RED), refused, color(cli, PLAIN));
	printf("   %.0f", cli_number(sites, "currentValue"));
	if (cJSON_IsNumber(cJSON_GetObjectItem(sites, "limit")))
		printf(" of %.0f", cli_number(sites, "limit"));
	puts(" connections");
}

void picture_draw(const struct cli *cli, const cJSON *status)
{
	const cJSON *gateways = cJSON_GetObjectItem(status, "gateways");
	const cJSON *tunnels = cJSON_GetObjectItem(status, "tunnels");
	const cJSON *item;
	int up = 0;

	cli_screen_clear(cli);
	cJSON_ArrayForEach(item, tunnels) up +=
		!strcmp(cli_text(item, "connectionStatus"), "Connected");
	printf("data plane %s   revision %.0f   %.0f prefixes   %d of %d tunnels connected\n",
	       cli_text(status, "dataPlane"), cli_number(status, "revision"),
	       cli_number(status, "prefixes"), up, cJSON_GetArraySize(tunnels));
	cJSON_ArrayForEach(item, gateways) draw_gateway(cli, item);
	cJSON_ArrayForEach(item, tunnels) draw_tunnel(cli, item);
}
