#include "targets.h"

#include <rte_common.h>

#define GCM128 CONTRACT_CIPHER_AES128_GCM
#define GCM256 CONTRACT_CIPHER_AES256_GCM
#define CBC256 CONTRACT_CIPHER_AES256_CBC
#define CHACHA CONTRACT_CIPHER_CHACHA20_POLY1305

/* One tunnel. AES-GCM by direct calls, over a pool with text prefetched 4 ahead. */
static const struct {
	enum contract_cipher cipher;
	uint32_t size;
	uint32_t pool;
	double bare[2]; /* out, in; 0: not known */
} references[] = {
	{ GCM128, 64, 256, { 55, 0 } },	     { GCM128, 512, 256, { 118, 0 } },
	{ GCM128, 1420, 256, { 236, 0 } },   { GCM128, 64, 16384, { 58, 0 } },
	{ GCM128, 512, 16384, { 109, 0 } },  { GCM128, 1420, 16384, { 255, 0 } },
	{ GCM256, 64, 256, { 58, 50 } },     { GCM256, 512, 256, { 129, 122 } },
	{ GCM256, 1420, 256, { 296, 277 } }, { GCM256, 64, 16384, { 62, 0 } },
	{ GCM256, 512, 16384, { 121, 0 } },  { GCM256, 1420, 16384, { 292, 0 } },
	{ CBC256, 64, 256, { 265, 0 } },     { CBC256, 512, 256, { 595, 0 } },
	{ CBC256, 1420, 256, { 1339, 0 } },  { CBC256, 64, 16384, { 319, 0 } },
	{ CBC256, 512, 16384, { 720, 0 } },  { CBC256, 1420, 16384, { 1600, 0 } },
	{ CHACHA, 64, 256, { 302, 0 } },     { CHACHA, 512, 256, { 699, 0 } },
	{ CHACHA, 1420, 256, { 1149, 0 } },
};

/* At burst 256 over 256 buffers. */
static const struct {
	enum contract_cipher cipher;
	uint32_t size;
	uint32_t tunnels;
	double most[2]; /* out, in, on the machine of reference */
	double of_bare; /* and as much of the cipher alone in the same run; 0: any */
} targets[] = {
	{ GCM256, 64, 1, { 115, 115 }, 0 },	   { GCM256, 512, 1, { 195, 195 }, 0 },
	{ GCM256, 1420, 1, { 335, 335 }, 1.12 },   { GCM256, 64, 1000, { 150, 150 }, 0 },
	{ GCM256, 64, 10000, { 220, 220 }, 0 },	   { GCM256, 1420, 1000, { 420, 420 }, 0 },
	{ CBC256, 1420, 1, { 1381, 1281 }, 1.05 }, { CHACHA, 1420, 1, { 1237, 1232 }, 1.06 },
};
#define PLAIN_MOST 40	  /* 64 bytes */
#define BURST64_MOST 1.12 /* of burst 256 */

double target_reference(const struct load *load)
{
	if (load->work == WORK_PLAIN || load->tunnels != 1)
		return 0;
	for (uint32_t i = 0; i < RTE_DIM(references); i++)
		if (references[i].cipher == load->cipher && references[i].size == load->size &&
		    references[i].pool == load->pool)
			return references[i].bare[load->work];
	return 0;
}

struct load target_yardstick(const struct load *load)
{
	struct load base = *load;

	if (base.work == WORK_PLAIN) {
		base.work = WORK_OUT;
		base.cipher = GCM256;
	}
	base.tunnels = base.flows = 1;
	base.burst = base.pool = 256;
	base.routes = 10;
	if (target_reference(&base) == 0)
		base.work = WORK_OUT;
	return base;
}

static bool is_base(const struct load *load)
{
	return load->pool == 256 && load->flows == 1 && load->routes == 10;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

double target_cycles(const struct load *load, double scale, double bare, double burst256)
{
	if (!is_base(load) || scale == 0)
		return 0;
	if (load->work != WORK_PLAIN && load->burst == 64)
		return burst256 * BURST64_MOST;
	if (load->burst != 256)
		return 0;
	if (load->work == WORK_PLAIN)
		return load->size == 64 ? PLAIN_MOST * scale : 0;
	for (uint32_t i = 0; i < RTE_DIM(targets); i++) {
		double most = targets[i].most[load->work] * scale;

		if (targets[i].cipher != load->cipher || targets[i].size != load->size ||
		    targets[i].tunnels != load->tunnels)
			continue;
		return targets[i].of_bare ? least(most, targets[i].of_bare * bare) : most;
	}
	return 0;
}
