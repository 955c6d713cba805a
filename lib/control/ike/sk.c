#include "control/ike/sk.h"

#include "control/crypto/cipher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAGMENT_HEADER_BYTES 4 /* number and total */
#define PAD_LENGTH_BYTES 1

void ike_packets_fini(struct ike_packets *packets)
{
	free(packets->bytes);
	*packets = (struct ike_packets){ 0 };
}

int ike_packets_of(struct ike_packets *packets, struct span message)
{
	*packets = (struct ike_packets){ 0 };
	if (message.n > IKE_MESSAGE_MAX)
		return -EMSGSIZE;
	packets->bytes = malloc(message.n ? message.n : 1);
	if (!packets->bytes)
		return -ENOMEM;
	memcpy(packets->bytes, message.p, message.n);
	packets->count = 1;
	packets->total = (uint32_t)message.n;
	packets->lengths[0] = (uint16_t)message.n;
	return 0;
}

struct span ike_packets_get(const struct ike_packets *packets, uint16_t i)
{
	size_t at = 0;

	if (i >= packets->count)
		return (struct span){ 0 };
	for (uint16_t k = 0; k < i; k++)
		at += packets->lengths[k];
	return (struct span){ packets->bytes + at, packets->lengths[i] };
}

size_t ike_sk_iv_bytes(const struct ike_suite *suite)
{
	return crypto_cipher_iv_size(ike_suite_cipher(suite));
}

/* A message under construction: everything up to the IV is there, and so is the content. */
struct frame {
	uint8_t *start;
	uint8_t *generic; /* generic header of SK or SKF */
	uint8_t *iv;
	uint8_t *content;
	size_t n;
	uint8_t *end; /* of the room */
};

/* Padding is zero: it fills the cipher's block and nothing else (RFC 7296 section 3.14). */
static size_t padding_of(const struct ike_suite *suite, size_t n)
{
	size_t block = crypto_cipher_block_size(ike_suite_cipher(suite));

	if (ike_suite_is_aead(suite) || block < 8)
		return 0;
	return (block - (n + PAD_LENGTH_BYTES) % block) % block;
}

static int make_iv(const struct ike_sk *sk, uint8_t *iv, size_t n)
{
	struct writer w = writer_of(iv, n);

	/* Unpredictable for CBC; a counter where only uniqueness counts (RFC 5282, RFC 5930). */
	if (crypto_cipher_block_size(ike_suite_cipher(sk->suite)) >= 8)
		return secret_random(iv, n);
	if (*sk->iv_counter == UINT64_MAX)
		return -EOVERFLOW;
	writer_u64(&w, (*sk->iv_counter)++);
	return writer_ok(&w) ? 0 : -EINVAL;
}

static int protect(const struct ike_sk *sk, const struct frame *f, uint8_t *icv)
{
	enum contract_cipher cipher = ike_suite_cipher(sk->suite);
	struct span iv = { f->iv, crypto_cipher_iv_size(cipher) };
	struct span e = ike_keys_e(sk->keys, sk->initiator);
	size_t n = (size_t)(icv - f->content);
	int error;

	if (ike_suite_is_aead(sk->suite)) {
		struct crypto_aead aead = {
			.cipher = cipher,
			.icv_bytes = ike_suite_icv_bytes(sk->suite),
			.key = e,
			.iv = iv,
			.aad = { f->start, (size_t)(f->iv - f->start) },
		};

		return crypto_aead_seal(sk->crypto, &aead, f->content, n, icv);
	}
	error = crypto_cipher_encrypt(
		sk->crypto, &(struct crypto_cipher){ .cipher = cipher, .key = e, .iv = iv },
		f->content, n);
	if (error)
		return error;
	return crypto_integrity(sk->crypto, ike_suite_integrity(sk->suite),
				ike_keys_a(sk->keys, sk->initiator),
				CRYPTO_PARTS({ f->start, (size_t)(icv - f->start) }), icv);
}

/* Pads, patches both lengths, encrypts; *total is the length of the message. */
static int seal_frame(const struct ike_sk *sk, const struct frame *f, size_t *total)
{
	size_t padding = padding_of(sk->suite, f->n);
	uint8_t *tail = f->content + f->n;
	uint8_t *icv = tail + padding + PAD_LENGTH_BYTES;
	size_t icv_bytes = ike_suite_icv_bytes(sk->suite);
	struct writer length = writer_of(f->start + 24, 4);
	struct writer payload = writer_of(f->generic + 2, 2);
	int error;

	if ((size_t)(f->end - tail) < padding + PAD_LENGTH_BYTES + icv_bytes)
		return -ENOBUFS;
	*total = (size_t)(icv - f->start) + icv_bytes;
	if (*total > IKE_MESSAGE_MAX)
		return -EMSGSIZE;
	memset(tail, 0, padding);
	tail[padding] = (uint8_t)padding;
	writer_u32(&length, (uint32_t)*total);
	writer_u16(&payload, (uint16_t)(*total - (size_t)(f->generic - f->start)));
	error = make_iv(sk, f->iv, (size_t)(f->content - f->iv));
	return error ? error : protect(sk, f, icv);
}

static size_t overhead(const struct ike_suite *suite)
{
	size_t block = crypto_cipher_block_size(ike_suite_cipher(suite));

	if (ike_suite_is_aead(suite) || block < 8)
		block = 1;
	return IKE_HEADER_BYTES + IKE_PAYLOAD_HEADER_BYTES + FRAGMENT_HEADER_BYTES +
	       crypto_cipher_iv_size(ike_suite_cipher(suite)) + ike_suite_icv_bytes(suite) +
	       PAD_LENGTH_BYTES + block - 1;
}

/* RFC 7383 section 2.5.3: the first one names the first payload, the others name none. */
static int seal_fragment(const struct ike_sk *sk, const struct ike_builder *b,
			 struct ike_packets *packets, size_t room)
{
	uint16_t index = packets->count;
	size_t iv_bytes = ike_sk_iv_bytes(sk->suite), done;
	struct frame f = { .start = packets->bytes + packets->total };
	struct writer w = writer_of(f.start, room);
	size_t chunk = room - overhead(sk->suite);
	size_t content = (size_t)(b->w.p - b->inner);
	size_t at = chunk * index;
	int error;

	writer_bytes(&w, b->w.start, IKE_HEADER_BYTES);
	f.start[16] = IKE_PAYLOAD_SKF;
	f.generic = w.p;
	writer_u8(&w, index ? IKE_PAYLOAD_NONE : b->sk[0]);
	writer_zeros(&w, 3);
	writer_u16(&w, (uint16_t)(index + 1));
	writer_u16(&w, (uint16_t)((content + chunk - 1) / chunk));
	f.iv = writer_reserve(&w, iv_bytes);
	f.content = w.p;
	f.n = content - at < chunk ? content - at : chunk;
	writer_bytes(&w, b->inner + at, f.n);
	f.end = w.end;
	if (!writer_ok(&w))
		return -EINVAL;
	error = seal_frame(sk, &f, &done);
	if (error)
		return error;
	packets->lengths[packets->count++] = (uint16_t)done;
	packets->total += (uint32_t)done;
	return 0;
}

static int seal_fragments(const struct ike_sk *sk, const struct ike_builder *b, size_t room,
			  struct ike_packets *packets)
{
	size_t content = (size_t)(b->w.p - b->inner);
	size_t chunk, count;

	if (room <= overhead(sk->suite) || b->sk != b->w.start + IKE_HEADER_BYTES)
		return -EINVAL;
	chunk = room - overhead(sk->suite);
	count = (content + chunk - 1) / chunk;
	if (count > IKE_FRAGMENTS_MAX)
		return -EMSGSIZE;
	packets->bytes = malloc(count * room);
	if (!packets->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int error = seal_fragment(sk, b, packets, room);

		if (error) {
			ike_packets_fini(packets);
			return error;
		}
	}
	return 0;
}

int ike_sk_seal(const struct ike_sk *sk, struct ike_builder *b, size_t fragment_bytes,
		struct ike_packets *packets)
{
	struct frame f;
	size_t total;
	int error;

	*packets = (struct ike_packets){ 0 };
	if (!writer_ok(&b->w) || !b->inner || b->open)
		return -ENOBUFS;
	f = (struct frame){
		.start = b->w.start,
		.generic = b->sk,
		.iv = b->inner - ike_sk_iv_bytes(sk->suite),
		.content = b->inner,
		.n = (size_t)(b->w.p - b->inner),
		.end = b->w.end,
	};
	total = (size_t)(b->w.p - f.start) + padding_of(sk->suite, f.n) + PAD_LENGTH_BYTES +
		ike_suite_icv_bytes(sk->suite);
	if (fragment_bytes && total > fragment_bytes)
		return seal_fragments(sk, b, fragment_bytes, packets);
	error = seal_frame(sk, &f, &total);
	return error ? error : ike_packets_of(packets, (struct span){ f.start, total });
}

static enum ike_error error_of(int error)
{
	if (!error)
		return IKE_ERROR_OK;
	return error == -EBADMSG ? IKE_ERROR_ICV : IKE_ERROR_INTERNAL;
}

static enum ike_error unprotect(const struct ike_sk *sk, const struct ike_message *message,
				const struct frame *f, const uint8_t *icv)
{
	enum contract_cipher cipher = ike_suite_cipher(sk->suite);
	struct span iv = { f->iv, (size_t)(f->content - f->iv) };
	struct span e = ike_keys_e(sk->keys, sk->initiator);
	const uint8_t *start = message->bytes.p;
	size_t block = crypto_cipher_block_size(cipher);
	int error;

	if (ike_suite_is_aead(sk->suite)) {
		struct crypto_aead aead = {
			.cipher = cipher,
			.icv_bytes = ike_suite_icv_bytes(sk->suite),
			.key = e,
			.iv = iv,
			.aad = { start, (size_t)(f->iv - start) },
		};

		return error_of(crypto_aead_open(sk->crypto, &aead, f->content, f->n, icv));
	}
	error = crypto_integrity_check(sk->crypto, ike_suite_integrity(sk->suite),
				       ike_keys_a(sk->keys, sk->initiator),
				       CRYPTO_PARTS({ start, (size_t)(icv - start) }), icv);
	if (error)
		return error_of(error);
	if (block >= 8 && f->n % block)
		return IKE_ERROR_PADDING;
	return error_of(crypto_cipher_decrypt(
		sk->crypto, &(struct crypto_cipher){ .cipher = cipher, .key = e, .iv = iv },
		f->content, f->n));
}

enum ike_error ike_sk_open(const struct ike_sk *sk, struct ike_message *message,
			   struct span *content)
{
	size_t iv_bytes = ike_sk_iv_bytes(sk->suite);
	size_t icv_bytes = ike_suite_icv_bytes(sk->suite);
	struct span body = message->sk_body;
	struct frame f = { 0 };
	enum ike_error error;
	size_t padding;

	*content = (struct span){ 0 };
	if (message->sk_type == IKE_PAYLOAD_SKF && body.n >= FRAGMENT_HEADER_BYTES) {
		body.p += FRAGMENT_HEADER_BYTES;
		body.n -= FRAGMENT_HEADER_BYTES;
	}
	if (!message->sk_type || body.n < iv_bytes + icv_bytes + PAD_LENGTH_BYTES)
		return IKE_ERROR_SK_SHORT;
	/* In place: the datagram is the caller's and writable, as the header says. */
	f.iv = (uint8_t *)(uintptr_t)body.p;
	f.content = f.iv + iv_bytes;
	f.n = body.n - iv_bytes - icv_bytes;
	error = unprotect(sk, message, &f, f.content + f.n);
	if (error)
		return error;
	padding = f.content[f.n - 1];
	if (padding + PAD_LENGTH_BYTES > f.n)
		return IKE_ERROR_PADDING;
	*content = (struct span){ f.content, f.n - padding - PAD_LENGTH_BYTES };
	if (message->sk_type == IKE_PAYLOAD_SKF)
		return IKE_ERROR_OK;
	return ike_message_append(message, message->sk_next, *content);
}
