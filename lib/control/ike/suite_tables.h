#pragma once
/*
 * Transform numbers to what the crypto and contract tables call them, inside this module.
 */
#include "control/ike/constants.h"
#include "control/ike/proposal.h"

bool suite_encr_is_aead(uint16_t encr);
uint16_t suite_prf_of_integ(uint16_t integ);
/* "AES_GCM_16-256", "PRF_HMAC_SHA2_256", "ecp384"; into buf. */
const char *suite_transform_text(char *buf, size_t size, const struct ike_transform *transform);
