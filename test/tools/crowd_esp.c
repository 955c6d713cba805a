#include "crowd_esp.h"

#include "base/cursor.h"
#include "base/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ESP_HEAD 16 /* SPI, sequence number, IV */
#define ICV 16
#define IP_HEAD 20
#define UDP_HEAD 8
#define KEPT_MAX 1500

struct pair {
	uint32_t in_spi;
	uint32_t out_spi;
	uint8_t in_key[CONTRACT_KEY_MAX];
	uint8_t out_key[CONTRACT_KEY_MAX];
	uint8_t key_n;
	uint8_t cipher;
	bool esn;
	uint64_t sequence;
	struct net_addr local; /* the crowd's: its name among the senders */
	struct net_addr remote;
	uint8_t *kept; /* the last inner packet, KEPT_MAX bytes */
	size_t kept_n;
};

int crowd_esp_init(struct crowd_esp *esp)
{
	map_init(&esp->pairs);
	map_init(&esp->senders);
	return crypto_new(&esp->crypto);
}

static int send_by(struct crowd_esp *esp, struct pair *pair)
{
	return map_set(&esp->senders, pair->local.bytes, 4, pair, NULL);
}

int crowd_esp_add(struct crowd_esp *esp, const struct ikev2_child_install *install)
{
	const struct contract_sa *in = install->inbound;
	const struct contract_sa *out = install->outbound;
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return -ENOMEM;
	if (!crypto_cipher_is_aead(in->cipher) || in->icv_bytes != ICV) {
		free(pair);
		return -ENOTSUP;
	}
	pair->in_spi = in->spi;
	pair->out_spi = out->spi;
	pair->key_n = in->key_length;
	memcpy(pair->in_key, in->key, in->key_length);
	memcpy(pair->out_key, out->key, out->key_length);
	pair->cipher = in->cipher;
	pair->esn = in->flags & CONTRACT_SA_ESN;
	pair->local = in->local;
	pair->remote = out->remote;
	if (map_set(&esp->pairs, &pair->in_spi, sizeof(pair->in_spi), pair, NULL) < 0) {
		free(pair);
		return -ENOMEM;
	}
	return install->send ? send_by(esp, pair) : 0;
}

void crowd_esp_switch(struct crowd_esp *esp, uint32_t child)
{
	struct pair *pair = map_get_u32(&esp->pairs, child);

	if (pair && send_by(esp, pair) < 0)
		abort();
}

void crowd_esp_del(struct crowd_esp *esp, uint32_t child)
{
	struct pair *pair = map_get_u32(&esp->pairs, child);

	if (!pair)
		return;
	map_del(&esp->pairs, &child, sizeof(child));
	if (map_get(&esp->senders, pair->local.bytes, 4) == pair)
		map_del(&esp->senders, pair->local.bytes, 4);
	free(pair->kept);
	free(pair);
}

/* SPI and sequence number as the ICV covers them; numbers stay below 2^32. */
static size_t aad_of(const struct pair *pair, uint8_t aad[12], uint32_t spi, uint32_t sequence)
{
	struct writer w = writer_of(aad, 12);

	writer_u32(&w, spi);
	if (pair->esn)
		writer_u32(&w, 0);
	writer_u32(&w, sequence);
	return pair->esn ? 12 : 8;
}

/* The inner packet's size, 0: not one that is sent back. */
static size_t open_packet(struct crowd_esp *esp, const struct pair *pair, uint8_t *packet, size_t n)
{
	struct cursor c = cursor_of(packet, n);
	uint8_t aad[12];
	uint32_t spi = cursor_u32(&c);
	uint32_t sequence = cursor_u32(&c);
	struct crypto_aead aead = { .cipher = pair->cipher,
				    .icv_bytes = ICV,
				    .key = { pair->in_key, pair->key_n },
				    .iv = { packet + 8, 8 },
				    .aad = { aad, aad_of(pair, aad, spi, sequence) } };
	size_t inner = n - ESP_HEAD - ICV;
	uint8_t *data = packet + ESP_HEAD;
	size_t padding;

	if (crypto_aead_open(esp->crypto, &aead, data, inner, packet + n - ICV) < 0)
		return 0;
	padding = data[inner - 2];
	if (data[inner - 1] != 4 || padding + 2 + IP_HEAD + UDP_HEAD > inner || data[0] != 0x45 ||
	    data[9] != 17)
		return 0;
	return inner - 2 - padding;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t keep[4];

	memcpy(keep, a, n);
	memcpy(a, b, n);
	memcpy(b, keep, n);
}

static uint32_t copies_of(const uint8_t *inner)
{
	uint32_t port = (uint32_t)inner[IP_HEAD + 2] << 8 | inner[IP_HEAD + 3];

	return port >= CROWD_COPIES && port < CROWD_COPIES + 10 ? port - CROWD_COPIES : 1;
}

static void keep(struct pair *pair, const uint8_t *inner, size_t n)
{
	if (!pair->kept)
		pair->kept = malloc(KEPT_MAX);
	pair->kept_n = pair->kept && n <= KEPT_MAX ? n : 0;
	if (pair->kept_n)
		memcpy(pair->kept, inner, n);
}

void crowd_esp_each(const struct crowd_esp *esp, crowd_kept_visit visit, void *context)
{
	struct map_entry *entry = NULL;

	while ((entry = map_next(&esp->senders, entry))) {
		const struct pair *pair = entry->value;
		const struct crowd_kept kept = { .spi = pair->in_spi,
						 .local = pair->local,
						 .remote = pair->remote,
						 .inner = { pair->kept, pair->kept_n } };

		if (pair->kept_n)
			visit(context, &kept);
	}
}

struct span crowd_esp_open(struct crowd_esp *esp, uint8_t *packet, size_t n, uint32_t *copies)
{
	struct cursor c = cursor_of(packet, n);
	struct pair *in = map_get_u32(&esp->pairs, cursor_u32(&c));
	uint8_t *data = packet + ESP_HEAD;
	size_t inner = in && n > ESP_HEAD + ICV + 2 ? open_packet(esp, in, packet, n) : 0;

	if (!inner) {
		esp->refused++;
		return (struct span){ 0 };
	}
	esp->opened++;
	*copies = copies_of(data);
	swap(data + 12, data + 16, 4);
	swap(data + IP_HEAD, data + IP_HEAD + 2, 2);
	if (esp->keeps)
		keep(in, data, inner);
	return (struct span){ data, inner };
}

size_t crowd_esp_seal(struct crowd_esp *esp, uint32_t spi, struct span inner, uint8_t *to,
		      size_t room)
{
	const struct pair *in = map_get_u32(&esp->pairs, spi);
	struct pair *out = in ? map_get(&esp->senders, in->local.bytes, 4) : NULL;
	struct writer w = writer_of(to, ESP_HEAD);
	uint8_t *data = to + ESP_HEAD;
	struct crypto_aead aead;
	size_t n = inner.n;
	uint8_t aad[12];
	size_t padding;

	if (!out || n + ESP_HEAD + ICV + 8 > room) {
		esp->refused++;
		return 0;
	}
	memcpy(data, inner.p, n);
	for (padding = 0; (n + padding + 2) % 4; padding++)
		data[n + padding] = (uint8_t)(padding + 1);
	data[n + padding] = (uint8_t)padding;
	data[n + padding + 1] = 4;
	n += padding + 2;
	out->sequence++;
	writer_u32(&w, out->out_spi);
	writer_u32(&w, (uint32_t)out->sequence);
	writer_u64(&w, out->sequence);
	aead = (struct crypto_aead){ .cipher = out->cipher,
				     .icv_bytes = ICV,
				     .key = { out->out_key, out->key_n },
				     .iv = { to + 8, 8 },
				     .aad = { aad, aad_of(out, aad, out->out_spi,
							  (uint32_t)out->sequence) } };
	if (crypto_aead_seal(esp->crypto, &aead, data, n, data + n) < 0)
		return 0;
	esp->echoed++;
	return ESP_HEAD + n + ICV;
}
