#include "control/route/netlink.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/route/netlink_message.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_TOPIC "netlink"
#define RECEIVE_BYTES (256 * 1024)
#define SOCKET_BUFFER (16 * 1024 * 1024)
#define COMMANDS_MAX 4096
/* Datagrams until others have their turn: who installs 100,000 routes does not stop IKE. */
#define AT_ONCE 256

static const uint16_t dump_types[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH, RTM_GETROUTE };
#define DUMPS (sizeof(dump_types) / sizeof(dump_types[0]))

/* A command waits for its turn behind a dump or another command. */
struct command {
	struct command *next;
	struct netlink_builder message;
	char story[96];
};

struct netlink {
	struct netlink_hooks hooks;
	int listener;
	int commander;
	struct event_source *listener_source;
	struct event_source *commander_source;
	struct event_source *start;
	struct command *first; /* in flight when `busy` */
	struct command **last;
	unsigned int commands;
	unsigned int dump; /* index in dump_types; DUMPS when none is under way */
	bool busy;
	bool resync_wanted;
	uint32_t sequence;
	uint8_t *buffer;
};

static void next_step(struct netlink *nl);

static void deliver(struct netlink *nl, const struct nlmsghdr *message)
{
	union {
		struct netlink_link link;
		struct netlink_address address;
		struct netlink_neighbour neighbour;
		struct netlink_route route;
	} u;
	const struct netlink_hooks *h = &nl->hooks;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (netlink_decode_link(message, &u.link))
			h->link(h->context, &u.link, message->nlmsg_type == RTM_DELLINK);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (netlink_decode_address(message, &u.address))
			h->address(h->context, &u.address, message->nlmsg_type == RTM_DELADDR);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (netlink_decode_neighbour(message, &u.neighbour))
			h->neighbour(h->context, &u.neighbour,
				     message->nlmsg_type == RTM_DELNEIGH || !u.neighbour.usable);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (netlink_decode_route(message, &u.route) && u.route.protocol != NETLINK_PROTOCOL)
			h->route(h->context, &u.route, message->nlmsg_type == RTM_DELROUTE);
		break;
	default:
		break;
	}
}

static void resync(struct netlink *nl)
{
	nl->resync_wanted = true;
	next_step(nl);
}

void netlink_again(struct netlink *nl)
{
	resync(nl);
}

static void listener_readable(void *context)
{
	struct netlink *nl = context;
	const struct nlmsghdr *message;
	ssize_t n = 1;

	for (int i = 0; i < AT_ONCE && n > 0; i++) {
		size_t left;

		n = recv(nl->listener, nl->buffer, RECEIVE_BYTES, MSG_DONTWAIT);
		left = n > 0 ? (size_t)n : 0;
		for (message = (const void *)nl->buffer; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left))
			deliver(nl, message);
	}
	if (n < 0 && errno == ENOBUFS) {
		log_warn(LOG_TOPIC, "the kernel lost messages; reading everything again");
		resync(nl);
	}
}

static void command_finish(struct netlink *nl, int error)
{
	struct command *command = nl->first;

	nl->busy = false;
	/* What is already as wanted is no failure. */
	if (error && error != -EEXIST && error != -ESRCH && error != -EADDRNOTAVAIL)
		log_error(LOG_TOPIC, "the kernel refused: %s error=\"%s\"", command->story,
			  strerror(-error));
	nl->first = command->next;
	if (!nl->first)
		nl->last = &nl->first;
	nl->commands--;
	free(command);
	next_step(nl);
}

static void dump_finish(struct netlink *nl)
{
	nl->busy = false;
	nl->dump++;
	if (nl->dump == DUMPS && !nl->resync_wanted)
		nl->hooks.synced(nl->hooks.context);
	next_step(nl);
}

/* False when the rest of the datagram belongs to nothing. */
static bool commander_message(struct netlink *nl, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	if (message->nlmsg_seq != nl->sequence || !nl->busy)
		return false;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		nl->resync_wanted = true; /* the table changed under the dump */
	if (message->nlmsg_type == NLMSG_DONE) {
		dump_finish(nl);
		return false;
	}
	if (message->nlmsg_type != NLMSG_ERROR) {
		deliver(nl, message);
		return true;
	}
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		return false;
	if (nl->dump < DUMPS)
		dump_finish(nl);
	else
		command_finish(nl, error->error);
	return false;
}

static void commander_readable(void *context)
{
	struct netlink *nl = context;
	const struct nlmsghdr *message;
	ssize_t n;

	while ((n = recv(nl->commander, nl->buffer, RECEIVE_BYTES, MSG_DONTWAIT)) > 0) {
		size_t left = (size_t)n;

		for (message = (const void *)nl->buffer; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left))
			if (!commander_message(nl, message))
				break;
	}
}

static void transmit(struct netlink *nl, struct nlmsghdr *message)
{
	message->nlmsg_seq = ++nl->sequence;
	nl->busy = true;
	if (send(nl->commander, message, message->nlmsg_len, 0) >= 0)
		return;
	if (nl->dump < DUMPS)
		nl->busy = false; /* tried again with the next resync */
	else
		command_finish(nl, -errno);
}

static void dump_next(struct netlink *nl)
{
	struct netlink_builder b;
	struct rtmsg all = { .rtm_family = AF_UNSPEC };

	netlink_build(&b, dump_types[nl->dump], NLM_F_DUMP, &all, sizeof(all));
	transmit(nl, &b.m.header);
}

static void next_step(struct netlink *nl)
{
	if (nl->busy)
		return;
	if (nl->resync_wanted && nl->dump == DUMPS) {
		nl->resync_wanted = false;
		nl->dump = 0;
		nl->hooks.resync(nl->hooks.context);
	}
	if (nl->dump < DUMPS)
		dump_next(nl);
	else if (nl->first)
		transmit(nl, &nl->first->message.m.header);
}

static void first_step(void *context)
{
	resync(context);
}

static int socket_open(uint32_t groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int size = SOCKET_BUFFER;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int netlink_open(struct netlink **netlink, struct event_loop *loop,
		 const struct netlink_hooks *hooks)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int rc = -ENOMEM;

	if (!nl)
		return rc;
	nl->hooks = *hooks;
	nl->dump = DUMPS;
	nl->last = &nl->first;
	nl->commander = -1;
	nl->listener = socket_open(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
				   RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (nl->listener >= 0)
		nl->commander = socket_open(0);
	nl->buffer = malloc(RECEIVE_BYTES);
	if (nl->listener < 0 || nl->commander < 0) {
		rc = nl->listener < 0 ? nl->listener : nl->commander;
		goto fail;
	}
	if (!nl->buffer)
		goto fail;
	rc = event_fd_new(&nl->listener_source, loop, nl->listener, EVENT_READABLE,
			  listener_readable, nl);
	if (rc == 0)
		rc = event_fd_new(&nl->commander_source, loop, nl->commander, EVENT_READABLE,
				  commander_readable, nl);
	if (rc == 0)
		rc = event_timer_new(&nl->start, loop, first_step, nl);
	if (rc < 0)
		goto fail;
	event_timer_set(nl->start, 0);
	*netlink = nl;
	return 0;
fail:
	netlink_close(nl);
	return rc;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	event_source_free(nl->listener_source);
	event_source_free(nl->commander_source);
	event_source_free(nl->start);
	if (nl->listener >= 0)
		close(nl->listener);
	if (nl->commander >= 0)
		close(nl->commander);
	while (nl->first) {
		struct command *command = nl->first;

		nl->first = command->next;
		free(command);
	}
	free(nl->buffer);
	free(nl);
}

static struct command *command_new(uint16_t type, uint16_t flags, const void *body, size_t n)
{
	struct command *command = calloc(1, sizeof(*command));

	if (command)
		netlink_build(&command->message, type, flags | NLM_F_ACK, body, n);
	return command;
}

static void command_add(struct netlink *nl, struct command *command)
{
	if (command->message.failed || nl->commands >= COMMANDS_MAX) {
		log_error(LOG_TOPIC, "not written: %s (%s)", command->story,
			  command->message.failed ? "message too long" : "too many are waiting");
		free(command);
		return;
	}
	*nl->last = command;
	nl->last = &command->next;
	nl->commands++;
	next_step(nl);
}

static uint8_t family_of(const struct net_addr *addr)
{
	return addr->family == NET_IP4 ? AF_INET : AF_INET6;
}

void netlink_link_set(struct netlink *nl, int ifindex, bool up)
{
	struct ifinfomsg info = { .ifi_index = ifindex,
				  .ifi_flags = up ? IFF_UP : 0,
				  .ifi_change = IFF_UP };
	struct command *command = command_new(RTM_NEWLINK, 0, &info, sizeof(info));

	if (!command)
		return;
	snprintf(command->story, sizeof(command->story), "interface %d %s", ifindex,
		 up ? "up" : "down");
	command_add(nl, command);
}

void netlink_address_set(struct netlink *nl, const struct netlink_address *address, bool add)
{
	struct ifaddrmsg info = { .ifa_family = family_of(&address->addr),
				  .ifa_prefixlen = address->length,
				  .ifa_index = (uint32_t)address->ifindex,
				  /* The gateway answers at once: no duplicate detection first. */
				  .ifa_flags = IFA_F_NODAD };
	char text[NET_ADDR_TEXT];
	struct command *command =
		command_new(add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0,
			    &info, sizeof(info));

	if (!command)
		return;
	netlink_build_addr(&command->message, IFA_LOCAL, &address->addr);
	netlink_build_addr(&command->message, IFA_ADDRESS, &address->addr);
	snprintf(command->story, sizeof(command->story), "%s address %s/%u on interface %d",
		 add ? "add" : "delete", net_addr_text(text, &address->addr), address->length,
		 address->ifindex);
	command_add(nl, command);
}

void netlink_route_set(struct netlink *nl, const struct netlink_route_spec *spec, bool add)
{
	struct rtmsg info = { .rtm_family = family_of(&spec->prefix.addr),
			      .rtm_dst_len = spec->prefix.length,
			      .rtm_table = spec->table < 256 ? (uint8_t)spec->table : 0,
			      .rtm_protocol = NETLINK_PROTOCOL,
			      .rtm_scope = spec->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST };
	char text[NET_PREFIX_TEXT];
	struct command *command =
		command_new(add ? RTM_NEWROUTE : RTM_DELROUTE,
			    add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof(info));

	if (!command)
		return;
	if (spec->prefix.length)
		netlink_build_addr(&command->message, RTA_DST, &spec->prefix.addr);
	if (spec->gateway.family)
		netlink_build_addr(&command->message, RTA_GATEWAY, &spec->gateway);
	if (spec->source.family)
		netlink_build_addr(&command->message, RTA_PREFSRC, &spec->source);
	netlink_build_u32(&command->message, RTA_OIF, (uint32_t)spec->ifindex);
	netlink_build_u32(&command->message, RTA_TABLE, spec->table);
	snprintf(command->story, sizeof(command->story), "%s route %s table %u interface %d",
		 add ? "set" : "delete", net_prefix_text(text, &spec->prefix), spec->table,
		 spec->ifindex);
	command_add(nl, command);
}

void netlink_foreign_delete(struct netlink *nl, const struct netlink_foreign *route)
{
	struct rtmsg info = { .rtm_family = family_of(&route->prefix.addr),
			      .rtm_dst_len = route->prefix.length,
			      .rtm_table = route->table < 256 ? (uint8_t)route->table : 0,
			      .rtm_protocol = route->protocol,
			      .rtm_scope = RT_SCOPE_NOWHERE,
			      .rtm_type = RTN_UNICAST };
	char text[NET_PREFIX_TEXT];
	struct command *command = command_new(RTM_DELROUTE, 0, &info, sizeof(info));

	if (!command)
		return;
	if (route->prefix.length)
		netlink_build_addr(&command->message, RTA_DST, &route->prefix.addr);
	netlink_build_u32(&command->message, RTA_TABLE, route->table);
	netlink_build_u32(&command->message, RTA_PRIORITY, route->metric);
	snprintf(command->story, sizeof(command->story), "delete route %s table %u of protocol %u",
		 net_prefix_text(text, &route->prefix), route->table, route->protocol);
	command_add(nl, command);
}

void netlink_rule_set(struct netlink *nl, const struct net_addr *source, uint32_t table, bool add)
{
	struct fib_rule_hdr info = { .family = family_of(source),
				     .src_len = (uint8_t)(net_addr_len(source) * 8),
				     .action = FR_ACT_TO_TBL };
	char text[NET_ADDR_TEXT];
	struct command *command =
		command_new(add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
			    &info, sizeof(info));

	if (!command)
		return;
	netlink_build_addr(&command->message, FRA_SRC, source);
	netlink_build_u32(&command->message, FRA_TABLE, table);
	netlink_build_u32(&command->message, FRA_PRIORITY, table);
	snprintf(command->story, sizeof(command->story), "%s rule from %s table %u",
		 add ? "add" : "delete", net_addr_text(text, source), table);
	command_add(nl, command);
}

void netlink_neighbour_probe(struct netlink *nl, int ifindex, const struct net_addr *addr)
{
	struct ndmsg info = { .ndm_family = family_of(addr),
			      .ndm_ifindex = ifindex,
			      .ndm_flags = NTF_USE };
	char text[NET_ADDR_TEXT];
	struct command *command =
		command_new(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));

	if (!command)
		return;
	netlink_build_addr(&command->message, NDA_DST, addr);
	snprintf(command->story, sizeof(command->story), "resolve %s on interface %d",
		 net_addr_text(text, addr), ifindex);
	command_add(nl, command);
}
