/*
 * Certificates that were good before: a peer that comes back, and 10,000 peers below the same
 * intermediates, do not cost a parse each.
 */
#include "control/crypto/cert_internal.h"
#include "control/crypto/internal.h"

#include <stdlib.h>

#define KNOWN_MAX 1024

struct known {
	struct list link; /* first: an entry is found by its link */
	struct crypto_cert *cert;
};

static void forget(struct crypto *crypto, struct known *known)
{
	list_del(&known->link);
	crypto_cert_put(known->cert);
	free(known);
}

int crypto_cert_load_known(struct crypto *crypto, struct span der, struct crypto_cert **cert)
{
	struct known *known = map_get(&crypto->known_certs, der.p, der.n);

	if (!known)
		return crypto_cert_load_der(der, cert);
	list_del(&known->link);
	list_add_tail(&crypto->known_order, &known->link);
	*cert = crypto_cert_get(known->cert);
	return 0;
}

void crypto_cert_remember(struct crypto *crypto, struct crypto_cert *cert)
{
	struct span der = crypto_cert_der(cert);
	struct known *known;

	if (map_get(&crypto->known_certs, der.p, der.n))
		return;
	if (crypto->known_certs.count >= KNOWN_MAX) {
		struct span oldest;

		known = list_entry(crypto->known_order.next, struct known, link);
		oldest = crypto_cert_der(known->cert);
		map_del(&crypto->known_certs, oldest.p, oldest.n);
		forget(crypto, known);
	}
	known = malloc(sizeof(*known));
	if (!known)
		return;
	if (map_set(&crypto->known_certs, der.p, der.n, known, NULL)) {
		free(known);
		return;
	}
	known->cert = crypto_cert_get(cert);
	list_add_tail(&crypto->known_order, &known->link);
}

void crypto_known_certs_free(struct crypto *crypto)
{
	while (!list_empty(&crypto->known_order))
		forget(crypto, list_entry(crypto->known_order.next, struct known, link));
	map_fini(&crypto->known_certs);
}
