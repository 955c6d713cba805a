#pragma once
/*
 * IPv6 prefixes over the sessions, which are IPv4 ones: the lines more of each daemon. Next hops
 * onto tunnels are addresses of 100::/64 (route/speaker.h). What peers hear has the speaker's
 * address as next hop, mapped into IPv6 (RFC 4291 section 2.5.5.2): a device sets its own way into
 * the tunnel. Pure.
 */
#include "control/bgp/text.h"

/* There are sessions that carry IPv6. */
bool bgp_ip6_used(const struct bgp_wanted *wanted);
/* Before "router bgp": lists and maps of a speaker. */
void bgp_ip6_filters(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
/* Behind the IPv4 family: of a speaker, of a daemon that listens to both speakers. */
void bgp_ip6_speaker(const struct bgp_wanted *wanted, uint32_t instance, struct text *out);
/* `map`: of what comes from each speaker. */
void bgp_ip6_listener(const struct bgp_wanted *wanted, bool reflects, const char *map,
		      struct text *out);
