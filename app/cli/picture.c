#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void rate_text(char buf[24], double bytes, double seconds)
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s" };
	double rate = seconds > 0 ? bytes * 8 / seconds : 0;
	int unit = 0;

	while (rate >= 1000 && unit < 3) {
		rate /= 1000;
		unit++;
	}
	snprintf(buf, 24, "%.1f %s", rate, units[unit]);
}

static const char *color_of(const struct cli *cli, const char *state)
{
	if (!cli->color)
		return "";
	if (!strcmp(state, "Connected"))
		return "\033[32m";
	return !strcmp(state, "Connecting") ? "\033[33m" : "\033[31m";
}

static void draw_tunnel(const struct cli *cli, const cJSON *tunnel, const struct picture *before,
			int i, double elapsed)
{
	const char *state = cli_text(tunnel, "connectionStatus");
	const char *reason = cli_text(tunnel, "reason");
	char in[24] = "", out[24] = "";

	if (before->count > i && elapsed > 0) {
		rate_text(in, cli_number(tunnel, "ingressBytes") - before->bytes_in[i], elapsed);
		rate_text(out, cli_number(tunnel, "egressBytes") - before->bytes_out[i], elapsed);
	}
	printf("  %-18s %-15s === %s%-12s%s === %-15s %s%s %s%s  %s\n",
	       cli_text(tunnel, "connection"), cli_text(tunnel, "localAddress"),
	       color_of(cli, state),
	       cJSON_IsTrue(cJSON_GetObjectItem(tunnel, "suspect")) ? "suspect" : state,
	       cli->color ? "\033[0m" : "", cli_text(tunnel, "remoteAddress"), in[0] ? "in " : "",
	       in, out[0] ? "out " : "", out, reason);
}

static void remember(const cJSON *tunnels, struct picture *before)
{
	int count = cJSON_GetArraySize(tunnels);
	const cJSON *tunnel;
	int i = 0;

	picture_fini(before);
	before->bytes_in = calloc((size_t)count + 1, sizeof(double));
	before->bytes_out = calloc((size_t)count + 1, sizeof(double));
	if (!before->bytes_in || !before->bytes_out)
		return;
	cJSON_ArrayForEach(tunnel, tunnels)
	{
		before->bytes_in[i] = cli_number(tunnel, "ingressBytes");
		before->bytes_out[i++] = cli_number(tunnel, "egressBytes");
	}
	before->count = count;
	before->at_s = now_s();
}

void picture_draw(const struct cli *cli, const cJSON *status, struct picture *before)
{
	const cJSON *tunnels = cJSON_GetObjectItem(status, "tunnels");
	double elapsed = before->count ? now_s() - before->at_s : 0;
	const cJSON *tunnel;
	int up = 0;
	int i = 0;

	if (cli->watch && cli->color)
		printf("\033[H\033[2J");
	cJSON_ArrayForEach(tunnel, tunnels) up +=
		!strcmp(cli_text(tunnel, "connectionStatus"), "Connected");
	printf("data plane %s   revision %.0f   %.0f prefixes   %d of %d tunnels connected\n",
	       cli_text(status, "dataPlane"), cli_number(status, "revision"),
	       cli_number(status, "prefixes"), up, cJSON_GetArraySize(tunnels));
	cJSON_ArrayForEach(tunnel, tunnels) draw_tunnel(cli, tunnel, before, i++, elapsed);
	remember(tunnels, before);
}

void picture_fini(struct picture *picture)
{
	free(picture->bytes_in);
	free(picture->bytes_out);
	memset(picture, 0, sizeof(*picture));
}
