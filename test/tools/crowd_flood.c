#include "crowd_flood.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of their addresses, so that the same ones flood each time. */
static int by_address(const void *a, const void *b)
{
	const struct crowd_flooder *x = a, *y = b;

	return net_addr_compare(&x->kept.local, &y->kept.local);
}

static void on_kept(void *context, const struct crowd_kept *kept)
{
	struct crowd_flood *flood = context;
	struct crowd_flooder *flooder = &flood->flooders[flood->count];

	if (flood->count == CROWD_FLOOD_TUNNELS)
		return;
	flooder->kept = *kept;
	memcpy(flooder->inner, kept->inner.p, kept->inner.n);
	flooder->kept.inner.p = flooder->inner;
	flood->count++;
}

/* All leave by the neighbour that the packets came from. */
static int begin(struct crowd_flood *flood, const char *interface, uint32_t tunnels)
{
	flood->count = flood->turn = 0;
	crowd_esp_each(flood->esp, on_kept, flood);
	if (!tunnels || flood->count < tunnels)
		return -ENOENT;
	qsort(flood->flooders, flood->count, sizeof(flood->flooders[0]), by_address);
	for (uint32_t i = 0; i < flood->count; i++)
		flood->flooders[i].kept.inner.p = flood->flooders[i].inner;
	flood->count = tunnels;
	return wire_open(&flood->wire, interface, &flood->flooders[0].kept.remote);
}

int crowd_flood_set(struct crowd_flood *flood, struct crowd_esp *esp, const char *text)
{
	unsigned int tunnels, per_s;
	unsigned long long sent = 0;
	char interface[16];
	int rc;

	if (sscanf(text, "%15s %u %u", interface, &tunnels, &per_s) != 3)
		return -EINVAL;
	if (flood->pace.per_s) {
		flood->pace.per_s = 0;
		sent = flood->wire.sent;
		wire_close(&flood->wire);
	}
	flood->esp = esp;
	if (!per_s) {
		printf("flooded %llu\n", sent);
		return 0;
	}
	rc = begin(flood, interface, tunnels);
	if (rc < 0)
		return rc;
	flood->pace = (struct wire_pace){ .per_s = per_s };
	printf("floods by %u tunnels\n", tunnels);
	return 0;
}

static void send_one(struct crowd_flood *flood, const struct crowd_kept *kept)
{
	uint8_t *at = wire_next(&flood->wire);
	struct wire_ip ip = { kept->local, kept->remote, IPPROTO_ESP, 0 };

	ip.bytes = crowd_esp_seal(flood->esp, kept->spi, kept->inner, at + WIRE_IP_HEAD,
				  WIRE_FRAME - WIRE_HEAD);
	if (!ip.bytes)
		return;
	wire_ip_write(at, &ip);
	wire_add(&flood->wire, WIRE_IP_HEAD + ip.bytes);
}

void crowd_flood_turn(struct crowd_flood *flood, uint64_t now_ns)
{
	uint32_t due = flood->pace.per_s ? wire_due(&flood->pace, now_ns) : 0;

	if (!due)
		return;
	for (; due; due--) {
		send_one(flood, &flood->flooders[flood->turn].kept);
		flood->turn = (flood->turn + 1) % flood->count;
	}
	wire_flush(&flood->wire);
}
