#pragma once
/*
 * DOC: cookies
 *
 * With many half-open IKE SAs a first message leaves no state: the answer is a cookie over nonce,
 * address and SPI (RFC 7296 section 2.6), made with a secret that is rotated; the one before still
 * counts. A wrong cookie is no cookie. Unprotected error answers are limited per second.
 */
#include "control/ikev2/sa.h"

#define IKEV2_COOKIE_BYTES 36

struct ikev2_cookie {
	const struct ikev2_path *path;
	uint64_t spi_i;
	struct span nonce;
};

__attribute__((warn_unused_result)) int ikev2_cookie_make(struct ikev2_engine *engine,
							  const struct ikev2_cookie *of,
							  uint8_t out[IKEV2_COOKIE_BYTES]);
bool ikev2_cookie_good(struct ikev2_engine *engine, const struct ikev2_cookie *of,
		       struct span given);
/* One more unprotected answer may go out this second. */
bool ikev2_cookie_may_answer(struct ikev2_engine *engine);
