/* Writes the seed corpora of the contract's fuzz targets: contract_seeds FOLDER. */
#include "samples.h"

#include "contract/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *folder;

static void write_seed(const char *target, const char *name, uint8_t first, const void *bytes,
		       size_t n)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	file = fopen(path, "wbe");
	if (!file || fwrite(&first, 1, 1, file) != 1 || (n && fwrite(bytes, n, 1, file) != 1) ||
	    fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void write_message(const char *name, unsigned number, bool event, const struct sample *s)
{
	char file[64];

	snprintf(file, sizeof(file), "%s-%u", name, number);
	write_seed("contract_message", file, event, s, s->header.length);
}

static void write_messages(void)
{
	static struct sample s;

	for (unsigned kind = CONTRACT_PORT; kind < CONTRACT_KINDS; kind++) {
		sample_message(&s, CONTRACT_OBJECT, kind, 1);
		write_message("listed", kind, true, &s);
		if (kind < CONTRACT_ADDRESS)
			continue;
		sample_message(&s, CONTRACT_ADD, kind, 1);
		write_message("add", kind, false, &s);
		sample_key(&s, CONTRACT_DELETE, kind, 1);
		write_message("delete", kind, false, &s);
	}
	sample_batch(&s, 1);
	write_message("batch", 0, false, &s);
	sample_begin(&s, CONTRACT_LIST, 1);
	sample_object(&s, CONTRACT_SA, 0);
	write_message("list", 0, false, &s);
	sample_begin(&s, CONTRACT_ADOPTED, 1);
	write_message("adopted", 0, false, &s);
	sample_datagram(&s, CONTRACT_SEND, 40);
	write_message("send", 0, false, &s);
	sample_datagram(&s, CONTRACT_PUNT, 40);
	write_message("punt", 0, true, &s);
	sample_answer(&s, true, 1);
	write_message("answer", 0, true, &s);
	for (unsigned type = CONTRACT_ACQUIRE; type <= CONTRACT_UNKNOWN_SPI; type++) {
		sample_event(&s, type);
		write_message("event", type, true, &s);
	}
}

static void write_handshakes(void)
{
	struct handshake_hello hello = { HANDSHAKE_MAGIC, CONTRACT_VERSION, 1, CHANNEL_RING_BYTES,
					 CONTRACT_MESSAGE_MAX };
	struct handshake_welcome welcome = handshake_answer(&hello);

	write_seed("contract_handshake", "hello", 0, &hello, sizeof(hello));
	write_seed("contract_handshake", "hello-fds", 9 << 1, &hello, sizeof(hello));
	write_seed("contract_handshake", "welcome", 3 << 1 | 1, &welcome, sizeof(welcome));
	write_seed("contract_handshake", "welcome-bare", 1, &welcome, sizeof(welcome));
	write_seed("contract_handshake", "welcome-flood", 15 << 1 | 1, &welcome, sizeof(welcome));
	welcome.status = HANDSHAKE_BUSY;
	write_seed("contract_handshake", "busy", 1, &welcome, sizeof(welcome));
}

/* Steps of nine bytes: what to do, and with which value. */
static void write_rings(void)
{
	static const uint8_t storm[] = { 0, 40, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
					 7, 1,	0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 1, 1, 0, 0, 0, 0 };
	static const uint8_t tail[] = { 0, 40, 0, 1, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0,
					2, 0,  0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t head[] = { 0, 40, 0, 1, 0, 0, 0, 0, 0, 5, 3, 0, 0, 0, 0, 0, 0, 0,
					0, 40, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t slot[] = { 0, 40, 0, 1, 0, 0, 0, 0, 0, 6, 24, 0, 0, 0, 0, 0, 0, 0,
					2, 0,  0, 0, 0, 0, 0, 0, 0, 2, 0,  0, 0, 0, 0, 0, 0, 0 };
	static uint8_t full[9 * 120];

	for (size_t i = 0; i < sizeof(full); i += 9) {
		full[i] = i < 9 * 80 ? 0 : 2;
		full[i + 1] = 0xff;
		full[i + 2] = 0x0f;
	}
	write_seed("contract_ring", "storm", storm[0], storm + 1, sizeof(storm) - 1);
	write_seed("contract_ring", "tail", tail[0], tail + 1, sizeof(tail) - 1);
	write_seed("contract_ring", "head", head[0], head + 1, sizeof(head) - 1);
	write_seed("contract_ring", "slot", slot[0], slot + 1, sizeof(slot) - 1);
	write_seed("contract_ring", "full", full[0], full + 1, sizeof(full) - 1);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: contract_seeds FOLDER\n");
		return 2;
	}
	folder = argv[1];
	write_messages();
	write_handshakes();
	write_rings();
	return 0;
}
