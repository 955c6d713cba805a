#pragma once
/*
 * DOC: device scripts
 *
 * The other end of a connection as the configuration of the device that stands there: what Azure
 * calls vpndeviceconfigurationscript, for devices that people have. A script is made from the plan
 * of the connection, so that it says what will be negotiated; the key is not in it, nor BGP's
 * password, but a word in its place: only GET of the shared key shows a key.
 */
#include "base/text.h"
#include "control/ike/policy.h"
#include "control/tunnel/plan.h"

#define DEVICE_KEY_PLACE "REPLACE-WITH-SHARED-KEY"
#define DEVICE_PASSWORD_PLACE "REPLACE-WITH-BGP-PASSWORD"

/* One transform of each type, in the words of a device. */
struct device_suite {
	const char *encryption;
	const char *integrity; /* NULL: the cipher has its own */
	const char *prf;       /* of an IKE suite */
	const char *group;     /* NULL: none */
};

/* One tunnel, seen from the device: we are the remote end. */
struct device_tunnel {
	struct net_addr gateway;	    /* where it dials to */
	struct net_addr gateway_bgp;	    /* NET_NONE: no BGP */
	const struct plan_session *session; /* as we see it */
	const char *own_id;
	const char *gateway_id;
	char name[96];
};

struct device_script {
	const struct config *config;
	const struct plan_connection *plan;
	struct device_tunnel tunnels[8];
	uint32_t tunnel_count;
	struct device_suite ike;
	struct device_suite esp;
	const struct ike_policy *policy;
	const struct net_prefix *here; /* behind the gateway */
	uint32_t here_count;
	int64_t gateway_asn;
	bool bgp;
};

enum device_words { DEVICE_STRONGSWAN, DEVICE_LIBRESWAN, DEVICE_CISCO, DEVICE_NO_IPSEC };

struct device {
	const char *vendor;
	const char *family;
	const char *versions[4]; /* what the list shows; any version is taken */
	enum device_words words;
	const char *comment; /* what begins a comment */
	bool needs_bgp;
	void (*write)(const struct device_script *script, struct text *out);
};

extern const struct device device_list[];
extern const size_t device_count;

/* The first proposal that the device can say whole; false: none. */
bool device_suite_choose(struct device_suite *suite, enum device_words words,
			 const struct ike_proposal *proposals, uint32_t count);
