/*
 * The scripts, one function a device.
 */
#include "control/rest/device.h"

#include <string.h>

static const struct config_local_gateway *site_of(const struct device_script *s)
{
	return s->plan->site;
}

static const char *prefix_text(char buf[NET_PREFIX_TEXT], const struct net_prefix *prefix)
{
	return net_prefix_text(buf, prefix);
}

static void prefixes_add(struct text *out, const struct net_prefix *prefixes, uint32_t count,
			 const char *separator)
{
	char text[NET_PREFIX_TEXT];

	for (uint32_t i = 0; i < count; i++)
		text_add(out, "%s%s", i ? separator : "", prefix_text(text, &prefixes[i]));
}

/* With BGP routes decide, so that anything may go in; without, both know the prefixes. */
static bool by_routes(const struct device_script *s)
{
	return s->bgp || !s->plan->prefix_count || !s->here_count;
}

static void selectors_add(struct text *out, const struct net_selector *selectors, uint32_t count)
{
	char text[NET_SELECTOR_TEXT];

	for (uint32_t i = 0; i < count; i++)
		text_add(out, "%s%s", i ? "," : "", net_selector_text(text, &selectors[i]));
}

/* Ours and the device's sides of a child: from its side local is what is remote to us. */
static void child_sides(struct text *local, struct text *remote, const struct device_script *s,
			uint32_t child)
{
	const struct plan_child *c = &s->plan->children[child];

	if (s->plan->connection->policy_selectors) {
		selectors_add(local, c->remote, c->remote_count);
		selectors_add(remote, c->local, c->local_count);
	} else if (by_routes(s)) {
		text_add(local, "0.0.0.0/0");
		text_add(remote, "0.0.0.0/0");
	} else {
		prefixes_add(local, s->plan->prefixes, s->plan->prefix_count, ",");
		prefixes_add(remote, s->here, s->here_count, ",");
	}
}

static void swanctl_child(const struct device_script *s, const struct device_tunnel *t,
			  uint32_t child, struct text *out)
{
	struct text local = { 0 };
	struct text remote = { 0 };

	child_sides(&local, &remote, s, child);
	text_add(out, "\t\t\t%s-%u {\n", t->name, child);
	text_add(out, "\t\t\t\tlocal_ts = %s\n\t\t\t\tremote_ts = %s\n", text_get(&local),
		 text_get(&remote));
	text_add(out, "\t\t\t\tesp_proposals = %s%s%s%s%s\n", s->esp.encryption,
		 s->esp.integrity ? "-" : "", s->esp.integrity ? s->esp.integrity : "",
		 s->esp.group ? "-" : "", s->esp.group ? s->esp.group : "");
	text_add(out, "\t\t\t\tlife_time = %us\n\t\t\t\tstart_action = start\n",
		 s->policy->child_lifetime_s);
	text_add(out, "\t\t\t\tdpd_action = restart\n\t\t\t\tclose_action = start\n\t\t\t}\n");
	text_fini(&local);
	text_fini(&remote);
}

static void swanctl_tunnel(const struct device_script *s, uint32_t i, struct text *out)
{
	const struct device_tunnel *t = &s->tunnels[i];
	char gateway[NET_ADDR_TEXT];

	text_add(out, "\t%s {\n\t\tversion = 2\n\t\tremote_addrs = %s\n", t->name,
		 net_addr_text(gateway, &t->gateway));
	text_add(out, "\t\tproposals = %s%s%s-%s-%s\n", s->ike.encryption,
		 s->ike.integrity ? "-" : "", s->ike.integrity ? s->ike.integrity : "", s->ike.prf,
		 s->ike.group);
	text_add(out, "\t\tdpd_delay = 10s\n\t\tkeyingtries = 0\n\t\tmobike = yes\n");
	if (by_routes(s))
		text_add(out, "\t\tif_id_in = %u\n\t\tif_id_out = %u\n", i + 1, i + 1);
	text_add(out, "\t\tlocal {\n\t\t\tauth = psk\n\t\t\tid = %s\n\t\t}\n", t->own_id);
	text_add(out, "\t\tremote {\n\t\t\tauth = psk\n\t\t\tid = %s\n\t\t}\n", t->gateway_id);
	text_add(out, "\t\tchildren {\n");
	for (uint32_t c = 0; c < s->plan->child_count; c++)
		swanctl_child(s, t, c, out);
	text_add(out, "\t\t}\n\t}\n");
}

static void swanctl(const struct device_script *s, struct text *out)
{
	char text[NET_PREFIX_TEXT];

	text_add(out, "# /etc/swanctl/conf.d/%s.conf; then: swanctl --load-all\n",
		 s->tunnels[0].name);
	if (by_routes(s))
		text_add(out, "# A tunnel is an interface:\n");
	for (uint32_t i = 0; by_routes(s) && i < s->tunnel_count; i++) {
		text_add(out,
			 "#   ip link add ipsec%u type xfrm if_id %u; ip link set ipsec%u up\n",
			 i + 1, i + 1, i + 1);
		for (uint32_t k = 0; !s->bgp && k < s->here_count; k++)
			text_add(out, "#   ip route add %s dev ipsec%u metric %u\n",
				 prefix_text(text, &s->here[k]), i + 1, 100 + i);
	}
	text_add(out, "connections {\n");
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		swanctl_tunnel(s, i, out);
	text_add(out, "}\nsecrets {\n");
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		text_add(out,
			 "\tike-%s {\n\t\tid-own = %s\n\t\tid-gateway = %s\n"
			 "\t\tsecret = \"" DEVICE_KEY_PLACE "\"\n\t}\n",
			 s->tunnels[i].name, s->tunnels[i].own_id, s->tunnels[i].gateway_id);
	text_add(out, "}\n");
}

static void libreswan_tunnel(const struct device_script *s, uint32_t i, struct text *out)
{
	const struct device_tunnel *t = &s->tunnels[i];
	struct text local = { 0 };
	struct text remote = { 0 };
	char gateway[NET_ADDR_TEXT];

	child_sides(&local, &remote, s, 0);
	text_add(out, "conn %s\n\tikev2=insist\n\tauthby=secret\n\tauto=start\n", t->name);
	text_add(out, "\tleft=%%defaultroute\n\tleftid=%s\n\tright=%s\n\trightid=%s\n", t->own_id,
		 net_addr_text(gateway, &t->gateway), t->gateway_id);
	text_add(out, "\tleftsubnets={%s}\n\trightsubnets={%s}\n", text_get(&local),
		 text_get(&remote));
	if (by_routes(s))
		text_add(out, "\tipsec-interface=%u\n", i + 1);
	text_add(out, "\tike=%s-%s;%s\n", s->ike.encryption,
		 s->ike.integrity ? s->ike.integrity : s->ike.prf, s->ike.group);
	text_add(out, "\tesp=%s%s%s%s%s\n", s->esp.encryption, s->esp.integrity ? "-" : "",
		 s->esp.integrity ? s->esp.integrity : "", s->esp.group ? ";" : "",
		 s->esp.group ? s->esp.group : "");
	text_add(out, "\tpfs=%s\n\tikelifetime=%us\n\tsalifetime=%us\n",
		 s->esp.group ? "yes" : "no", s->policy->ike_lifetime_s,
		 s->policy->child_lifetime_s);
	text_add(out, "\tdpddelay=10\n\tretransmit-timeout=30\n\n");
	text_fini(&local);
	text_fini(&remote);
}

static void libreswan(const struct device_script *s, struct text *out)
{
	text_add(out, "# /etc/ipsec.d/%s.conf; then: ipsec restart\n", s->tunnels[0].name);
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		libreswan_tunnel(s, i, out);
	text_add(out, "# /etc/ipsec.d/%s.secrets (mode 0600):\n", s->tunnels[0].name);
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		text_add(out, "# %s %s : PSK \"" DEVICE_KEY_PLACE "\"\n", s->tunnels[i].own_id,
			 s->tunnels[i].gateway_id);
}

static void networks_add(const struct device_script *s, struct text *out, bool masks)
{
	char text[NET_PREFIX_TEXT];
	char mask[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < s->plan->prefix_count; i++) {
		const struct net_prefix *p = &s->plan->prefixes[i];
		struct net_addr bits = { .family = NET_IP4 };

		if (p->addr.family != NET_IP4)
			continue;
		for (uint32_t b = 0; b < p->length; b++)
			bits.bytes[b / 8] |= (uint8_t)(0x80 >> b % 8);
		if (masks)
			text_add(out, "  network %s mask %s\n", net_addr_text(text, &p->addr),
				 net_addr_text(mask, &bits));
		else
			text_add(out, "  network %s\n", prefix_text(text, p));
	}
}

static void bgp_neighbours(const struct device_script *s, struct text *out)
{
	char text[NET_ADDR_TEXT];
	char own[NET_ADDR_TEXT];

	net_addr_text(own, &site_of(s)->bgp->peering_address);
	for (uint32_t i = 0; i < s->tunnel_count; i++) {
		net_addr_text(text, &s->tunnels[i].gateway_bgp);
		text_add(out,
			 " neighbor %s remote-as %lld\n neighbor %s ebgp-multihop 255\n"
			 " neighbor %s timers %u %u\n neighbor %s update-source %s\n",
			 text, (long long)s->gateway_asn, text, text,
			 s->tunnels[i].session->keepalive_s, s->tunnels[i].session->hold_s, text,
			 own);
		if (s->tunnels[i].session->password)
			text_add(out, " neighbor %s password " DEVICE_PASSWORD_PLACE "\n", text);
	}
}

static void bgp_activate(const struct device_script *s, struct text *out)
{
	char text[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < s->tunnel_count; i++)
		text_add(out, "  neighbor %s activate\n",
			 net_addr_text(text, &s->tunnels[i].gateway_bgp));
}

/* Both ends open sessions. Of two that meet FRR before 9.0 remembers the one that it accepted as a
 * peer on the link, whatever ebgp-multihop says, and leaves out what the peer tells by the other.
 */
static void frr(const struct device_script *s, struct text *out)
{
	char text[NET_ADDR_TEXT];

	text_add(out, "! /etc/frr/frr.conf, with bgpd=yes and bfdd=yes in /etc/frr/daemons; the "
		      "tunnels themselves "
		      "are\n! another program's, for example strongSwan's (family swanctl).\n"
		      "frr defaults traditional\n");
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		text_add(out, "ip route %s/32 ipsec%u\n",
			 net_addr_text(text, &s->tunnels[i].gateway_bgp), i + 1);
	text_add(out,
		 "router bgp %lld\n bgp router-id %s\n no bgp ebgp-requires-policy\n"
		 " bgp disable-ebgp-connected-route-check\n",
		 (long long)site_of(s)->bgp->asn,
		 net_addr_text(text, &site_of(s)->bgp->peering_address));
	bgp_neighbours(s, out);
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		if (s->tunnels[i].session->bfd_ms)
			text_add(out, " neighbor %s bfd\n",
				 net_addr_text(text, &s->tunnels[i].gateway_bgp));
	text_add(out, " address-family ipv4 unicast\n");
	bgp_activate(s, out);
	networks_add(s, out, false);
	text_add(out, " exit-address-family\n");
}

static void cisco_common(const struct device_script *s, struct text *out)
{
	const char *name = s->tunnels[0].name;

	text_add(out, "crypto ikev2 proposal %s\n encryption %s\n", name, s->ike.encryption);
	if (s->ike.integrity)
		text_add(out, " integrity %s\n", s->ike.integrity);
	else
		text_add(out, " prf %s\n", s->ike.prf);
	text_add(out, " group %s\ncrypto ikev2 policy %s\n proposal %s\n", s->ike.group, name,
		 name);
	text_add(out, "crypto ipsec transform-set %s %s%s%s\n mode tunnel\n", name,
		 s->esp.encryption, s->esp.integrity ? " " : "",
		 s->esp.integrity ? s->esp.integrity : "");
}

static void cisco_tunnel(const struct device_script *s, uint32_t i, struct text *out)
{
	const struct device_tunnel *t = &s->tunnels[i];
	char gateway[NET_ADDR_TEXT];

	net_addr_text(gateway, &t->gateway);
	text_add(out,
		 "crypto ikev2 keyring %s\n peer %s\n  address %s\n  "
		 "pre-shared-key " DEVICE_KEY_PLACE "\n",
		 t->name, t->name, gateway);
	text_add(out,
		 "crypto ikev2 profile %s\n match identity remote address %s 255.255.255.255\n",
		 t->name, gateway);
	text_add(out,
		 " identity local address %s\n authentication remote pre-share\n"
		 " authentication local pre-share\n keyring local %s\n lifetime %u\n"
		 " dpd 10 5 on-demand\n",
		 t->own_id, t->name, s->policy->ike_lifetime_s);
	text_add(out,
		 "crypto ipsec profile %s\n set transform-set %s\n set ikev2-profile %s\n"
		 " set security-association lifetime seconds %u\n",
		 t->name, s->tunnels[0].name, t->name, s->policy->child_lifetime_s);
	if (s->esp.group)
		text_add(out, " set pfs group%s\n", s->esp.group);
	text_add(out,
		 "interface Tunnel%u\n ip unnumbered Loopback0\n ip mtu 1400\n"
		 " ip tcp adjust-mss 1350\n tunnel source GigabitEthernet1\n"
		 " tunnel destination %s\n tunnel mode ipsec ipv4\n"
		 " tunnel protection ipsec profile %s\n",
		 i + 1, gateway, t->name);
}

static void cisco_routes(const struct device_script *s, uint32_t tunnel, struct text *out)
{
	char text[NET_ADDR_TEXT];
	char mask[NET_ADDR_TEXT];

	for (uint32_t k = 0; k < s->here_count; k++) {
		const struct net_prefix *p = &s->here[k];
		struct net_addr bits = { .family = NET_IP4 };

		if (p->addr.family != NET_IP4)
			continue;
		for (uint32_t b = 0; b < p->length; b++)
			bits.bytes[b / 8] |= (uint8_t)(0x80 >> b % 8);
		text_add(out, "ip route %s %s Tunnel%u\n", net_addr_text(text, &p->addr),
			 net_addr_text(mask, &bits), tunnel);
	}
}

static void cisco(const struct device_script *s, struct text *out)
{
	char text[NET_ADDR_TEXT];

	text_add(out, "! GigabitEthernet1 is the outside interface: put yours there.\n");
	cisco_common(s, out);
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		cisco_tunnel(s, i, out);
	for (uint32_t i = 0; i < s->tunnel_count && !s->bgp; i++)
		cisco_routes(s, i + 1, out);
	if (!s->bgp)
		return;
	text_add(out, "interface Loopback0\n ip address %s 255.255.255.255\n",
		 net_addr_text(text, &site_of(s)->bgp->peering_address));
	for (uint32_t i = 0; i < s->tunnel_count; i++)
		text_add(out, "ip route %s 255.255.255.255 Tunnel%u\n",
			 net_addr_text(text, &s->tunnels[i].gateway_bgp), i + 1);
	text_add(out, "router bgp %lld\n bgp log-neighbor-changes\n",
		 (long long)site_of(s)->bgp->asn);
	bgp_neighbours(s, out);
	text_add(out, " address-family ipv4\n");
	bgp_activate(s, out);
	networks_add(s, out, true);
	text_add(out, " exit-address-family\n");
}

const struct device device_list[] = {
	{ "strongSwan", "swanctl", { "5.9", "6.0" }, DEVICE_STRONGSWAN, "#", false, swanctl },
	{ "Libreswan", "ipsec.conf", { "4.x", "5.x" }, DEVICE_LIBRESWAN, "#", false, libreswan },
	{ "FRRouting", "bgpd", { "8.x", "9.x", "10.x" }, DEVICE_NO_IPSEC, "!", true, frr },
	{ "Cisco Systems, Inc.",
	  "IOS (ISR, ASR)",
	  { "15.x (IKEv2)", "IOS-XE 16.x", "IOS-XE 17.x" },
	  DEVICE_CISCO,
	  "!",
	  false,
	  cisco },
};
const size_t device_count = sizeof(device_list) / sizeof(device_list[0]);
