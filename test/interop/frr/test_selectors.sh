#!/usr/bin/env bash
# A site whose selectors are the same for both tunnels, and have both speakers of the gateway in them: strongSwan sends all by one
# tunnel, and both BGP sessions come up all the same.
. "$(dirname "$0")/../../system/harness.sh" select
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"
SITE_REMOTE_TS=10.0.0.0/8
SITE_CHARON='routing_table_prio = 40000' # its routes lead to all of 10.0.0.0/8: behind the main table, which has the site's LAN

require "the site is made" site_up
bgp_starts site_and_frr config
expect "both sessions come up, two routes each" lab_await 40 connected
expect "and BFD" lab_await 20 bfd_both_up
expect "traffic flows, both ways" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
finish
