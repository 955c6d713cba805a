#include "control/ikev2/exchange.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static bool wanted(const struct ikev2_sa *sa)
{
	return sa->engine->hooks.trace;
}

static void put(const struct ikev2_sa *sa, const char *line)
{
	sa->engine->hooks.trace(sa->engine->hooks.context, sa->spi, sa->connection, line);
}

void ikev2_trace_local(const struct ikev2_sa *sa, const char *format, ...)
{
	char line[400];
	int n;
	va_list args;

	if (!wanted(sa))
		return;
	n = snprintf(line, sizeof(line), "[LOCAL] ");
	va_start(args, format);
	vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	va_end(args);
	put(sa, line);
}

static void add_payload(struct text *text, uint8_t type, struct span body)
{
	struct ike_notify notify;

	text_add(text, " %s", ike_payload_text(type));
	if (type == IKE_PAYLOAD_N && ike_notify_decode(body, &notify) == IKE_ERROR_OK)
		text_add(text, "(%s)", ike_notify_text(notify.type));
}

void ikev2_trace_message(const struct ikev2_sa *sa, const char *what,
			 const struct ike_message *message, const struct ikev2_path *path)
{
	struct text text = { 0 };
	char addr[NET_ADDR_TEXT];

	if (!wanted(sa))
		return;
	text_add(&text, "[%s] %s %s %u {", what, ike_exchange_text(message->header.exchange),
		 ike_header_is_response(&message->header) ? "response" : "request",
		 message->header.message_id);
	for (uint16_t i = 0; i < message->count; i++)
		add_payload(&text, message->payloads[i].type, message->payloads[i].body);
	text_add(&text, " } %s port %u, %zu bytes", net_addr_text(addr, &path->remote),
		 path->remote_port, message->bytes.n);
	put(sa, text_get(&text));
	text_fini(&text);
}

/* The chain of a message that is being built: its first payload is named where `next` was. */
static void walk(struct text *text, uint8_t type, struct span bytes)
{
	struct cursor c = cursor_of(bytes.p, bytes.n);

	while (type && cursor_left(&c) >= IKE_PAYLOAD_HEADER_BYTES) {
		uint8_t next = cursor_u8(&c);
		uint16_t length;

		cursor_u8(&c);
		length = cursor_u16(&c);
		if (length < IKE_PAYLOAD_HEADER_BYTES)
			return;
		add_payload(text, type, cursor_span(&c, length - IKE_PAYLOAD_HEADER_BYTES));
		type = next;
	}
}

void ikev2_trace_sent(const struct ikev2_sa *sa, const struct ike_builder *b, size_t bytes)
{
	struct ike_header header;
	struct text text = { 0 };
	char addr[NET_ADDR_TEXT];
	const uint8_t *from = b->sk ? b->inner : b->w.start + IKE_HEADER_BYTES;
	uint8_t first = b->sk ? b->sk[0] : b->w.start[16];

	if (!wanted(sa) || !writer_ok(&b->w))
		return;
	header.exchange = b->w.start[18];
	header.flags = b->w.start[19];
	header.message_id = (uint32_t)b->w.start[20] << 24 | (uint32_t)b->w.start[21] << 16 |
			    (uint32_t)b->w.start[22] << 8 | b->w.start[23];
	text_add(&text, "[SEND] %s %s %u {", ike_exchange_text(header.exchange),
		 ike_header_is_response(&header) ? "response" : "request", header.message_id);
	walk(&text, first, (struct span){ from, (size_t)(b->w.p - from) });
	text_add(&text, " } %s port %u, %zu bytes", net_addr_text(addr, &sa->path.remote),
		 sa->path.remote_port, bytes);
	put(sa, text_get(&text));
	text_fini(&text);
}

static void add_hex(struct text *text, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		text_add(text, "%02x", bytes.p[i]);
}

/* The name that Wireshark has; NULL: it cannot decrypt this. */
static const char *wireshark_encr(char buf[48], const struct ike_suite *suite)
{
	unsigned int icv = 16;

	switch (suite->encr) {
	case ENCR_3DES:
		return "3DES [RFC2451]";
	case ENCR_AES_CBC:
		snprintf(buf, 48, "AES-CBC-%u [RFC3602]", suite->key_bits);
		return buf;
	case ENCR_AES_CTR:
		snprintf(buf, 48, "AES-CTR-%u [RFC5930]", suite->key_bits);
		return buf;
	case ENCR_AES_GCM_8:
		icv -= 4; /* fall through */
	case ENCR_AES_GCM_12:
		icv -= 4; /* fall through */
	case ENCR_AES_GCM_16:
		snprintf(buf, 48, "AES-GCM-%u with %u octet ICV [RFC5282]", suite->key_bits, icv);
		return buf;
	default:
		return NULL;
	}
}

static const char *wireshark_integ(uint16_t integ)
{
	switch (integ) {
	case AUTH_NONE:
		return "NONE [RFC4306]";
	case AUTH_HMAC_SHA1_96:
		return "HMAC_SHA1_96 [RFC2404]";
	case AUTH_HMAC_SHA2_256_128:
		return "HMAC_SHA2_256_128 [RFC4868]";
	case AUTH_HMAC_SHA2_384_192:
		return "HMAC_SHA2_384_192 [RFC4868]";
	case AUTH_HMAC_SHA2_512_256:
		return "HMAC_SHA2_512_256 [RFC4868]";
	default: /* XCBC and CMAC, which it does not check */
		return "ANY 96-bits of Authentication [No Checking]";
	}
}

/* One line as Wireshark's table ikev2_decryption_table has it. */
void ikev2_trace_keys(const struct ikev2_sa *sa)
{
	const struct ikev2_hooks *hooks = &sa->engine->hooks;
	struct text text = { 0 };
	char name[48];
	const char *encr;

	if (!hooks->key_log)
		return;
	encr = wireshark_encr(name, &sa->suite);
	text_add(&text, "%s%016lx,%016lx,",
		 encr ? "" : "# unknown to Wireshark: ", sa->initiator ? sa->spi : sa->peer_spi,
		 sa->initiator ? sa->peer_spi : sa->spi);
	add_hex(&text, ike_keys_e(&sa->keys, true));
	text_add(&text, ",");
	add_hex(&text, ike_keys_e(&sa->keys, false));
	text_add(&text, ",\"%s\",", encr ? encr : "");
	add_hex(&text, ike_keys_a(&sa->keys, true));
	text_add(&text, ",");
	add_hex(&text, ike_keys_a(&sa->keys, false));
	text_add(&text, ",\"%s\"", wireshark_integ(sa->suite.integ));
	hooks->key_log(hooks->context, text_get(&text));
	if (text.p)
		secret_wipe(text.p, text.capacity);
	text_fini(&text);
}
