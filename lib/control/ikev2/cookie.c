#include "control/ikev2/cookie.h"

#include "base/writer.h"
#include "control/crypto/prf.h"

#include <errno.h>

#define ROTATE_S 120
#define ANSWERS_PER_S 100

static int rotate(struct ikev2_engine *engine)
{
	uint32_t every_s =
		engine->config.cookie_rotate_s ? engine->config.cookie_rotate_s : ROTATE_S;
	bool first = !engine->cookie_version;
	int error;

	if (!first && engine->now_ns - engine->cookie_ns < every_s * IKEV2_NS_PER_S)
		return 0;
	engine->cookie_version++;
	error = secret_random(engine->cookie_secret[engine->cookie_version & 1],
			      sizeof(engine->cookie_secret[0]));
	if (!error && first)
		error = secret_random(engine->cookie_secret[0], sizeof(engine->cookie_secret[0]));
	engine->cookie_ns = engine->now_ns;
	return error;
}

static int compute(struct ikev2_engine *engine, const struct ikev2_cookie *of, uint32_t version,
		   uint8_t out[IKEV2_COOKIE_BYTES])
{
	struct writer w = writer_of(out, 4);
	uint8_t spi[8];
	struct writer s = writer_of(spi, sizeof(spi));

	writer_u32(&w, version);
	writer_u64(&s, of->spi_i);
	return crypto_prf(engine->crypto, CRYPTO_PRF_HMAC_SHA256,
			  (struct span){ engine->cookie_secret[version & 1],
					 sizeof(engine->cookie_secret[0]) },
			  CRYPTO_PARTS({ out, 4 }, of->nonce,
				       { of->path->remote.bytes, sizeof(of->path->remote.bytes) },
				       { spi, sizeof(spi) }),
			  out + 4);
}

int ikev2_cookie_make(struct ikev2_engine *engine, const struct ikev2_cookie *of,
		      uint8_t out[IKEV2_COOKIE_BYTES])
{
	int error = rotate(engine);

	return error ? error : compute(engine, of, engine->cookie_version, out);
}

bool ikev2_cookie_good(struct ikev2_engine *engine, const struct ikev2_cookie *of,
		       struct span given)
{
	uint8_t expected[IKEV2_COOKIE_BYTES];
	struct cursor c = cursor_of(given.p, given.n);
	uint32_t version = cursor_u32(&c);

	if (given.n != sizeof(expected) || rotate(engine))
		return false;
	if (version != engine->cookie_version && version + 1 != engine->cookie_version)
		return false;
	return !compute(engine, of, version, expected) &&
	       secret_equal(expected, given.p, sizeof(expected));
}

bool ikev2_cookie_may_answer(struct ikev2_engine *engine)
{
	if (engine->now_ns - engine->error_window_ns >= IKEV2_NS_PER_S) {
		engine->error_window_ns = engine->now_ns;
		engine->error_count = 0;
	}
	return engine->error_count++ < ANSWERS_PER_S;
}
