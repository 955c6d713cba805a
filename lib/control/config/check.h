#pragma once
/*
 * The rules over more than one property or resource (facts: the API's section on validation). Each
 * reports and goes on, so that a user sees all that is wrong at once.
 */
#include "base/map.h"
#include "control/config/config.h"
#include "control/config/where.h"

struct check {
	const struct config *config;
	const struct config *previous; /* may be NULL */
	struct config_report *report;
	const struct map *failed; /* keys that are in the text, but wrong */
	bool removed;		  /* resources of `previous` are gone */
	bool deleting;		  /* and they were deleted by name: who uses them is told */
	bool user_stays;	  /* so it is where a part went and its user was not put anew */
	/* Of each connection, looked up once: NULL where there is none. */
	const struct config_gateway **gateways;
	const struct config_local_gateway **sites;
};

/* Codes that the rules use besides those of where.h. */
#define CODE_QUOTA "QuotaExceeded"
#define CODE_NAME_TAKEN "NameNotUnique"
#define CODE_OVERLAP "AddressSpaceOverlap"
#define CODE_SKU_FEATURE "GatewaySkuDoesNotSupportFeature"

/* All of them. -ENOMEM; what is wrong is in the report. */
__attribute__((warn_unused_result)) int check_config(struct check *check);

void check_appliance(struct check *check);
void check_virtual_networks(struct check *check);
void check_public_ips(struct check *check);
void check_gateways(struct check *check);
void check_gateway_skus(struct check *check);
void check_gateway_bgp(struct check *check);
void check_nat_rules(struct check *check);
/* An AS number that neither our gateway (`ours`) nor a peer of it can have. */
bool check_asn_reserved(int64_t asn, bool ours);
struct check_place;
/* What no FRR and no peer would take (RFC 4271 section 4.2). */
void check_bgp_timers(struct check *check, const struct check_place *place,
		      const struct config_bgp *bgp);
void check_local_gateways(struct check *check);
void check_connections(struct check *check);
void check_vnet_connection(struct check *check, const struct config_connection *connection,
			   const struct config_gateway *gateway);
/* Whose port a public address must be on. Nobody's: no connection tells yet. */
enum check_whose { CHECK_OURS, CHECK_ANOTHERS, CHECK_NOBODYS };
enum check_whose check_vnet_whose(const struct check *check, const struct config_public_ip *ip);
/* Prefixes that are behind two places of one gateway; two connections to one place. n log n. */
__attribute__((warn_unused_result)) int check_overlaps(struct check *check);
/* Properties that must stay, against `previous`. */
void check_immutable(struct check *check);

/* A property of a resource: "/properties/asn". `format` of the path may have one number. */
struct check_place {
	const struct config_resource *resource;
	const char *path;
	uint32_t index;
	uint32_t inner;
};
#define AT(of, ...) (&(struct check_place){ .resource = (of), .path = __VA_ARGS__ })

__attribute__((format(printf, 4, 5))) void check_fail(struct check *check,
						      const struct check_place *place,
						      const char *code, const char *format, ...);
/* 501: good, but not built. */
__attribute__((format(printf, 3, 4))) void check_not_built(struct check *check,
							   const struct check_place *place,
							   const char *format, ...);
__attribute__((format(printf, 3, 4))) void check_warn(struct check *check,
						      const struct check_place *place,
						      const char *format, ...);
