/*
 * DOC: ikev2_probe
 *
 * The IKEv2 engine over plain UDP sockets with a data plane that forgets everything: enough to
 * talk to a real peer. Commands come as lines on stdin (dial, rekey, child-rekey, child-new N,
 * probe, delete, child-delete, status, move ADDR, quit), events go as lines to stdout.
 *
 *     ikev2_probe local=10.0.0.1 remote=10.0.0.2 psk=secret [id=..] [peer-id=..] [profile=strong]
 *                 [ts=10.1.0.0/16===10.2.0.0/16]... [cert=FILE key=FILE ca=FILE] [natt-only]
 *                 [trace] [dpd=30] [childless] [cookies] [responder]
 */
#include "control/ikev2/engine.h"
#include "control/ikev2/info.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHILDREN 16

struct probe {
	struct ikev2_engine *engine;
	struct ikev2_connection *connection;
	struct ikev2_config config;
	struct ikev2_credential credential;
	struct crypto_cert *certs[4];
	struct ike_id local_id;
	struct ike_id remote_id;
	struct ikev2_child_config children[CHILDREN];
	struct net_selector selectors[2 * CHILDREN];
	struct ike_policy_owned custom;
	struct secret psk;
	struct net_addr local;
	struct net_addr remote;
	int sockets[2]; /* 500, 4500 */
	uint64_t ike;
	uint32_t child;
	uint32_t next_spi;
	bool dials;
	bool trace;
	bool cookies; /* as if there were many half-open IKE SAs */
};

static uint64_t now(void)
{
	return clock_now_ns(&clock_monotonic);
}

static socklen_t to_sockaddr(struct sockaddr_storage *out, const struct net_addr *addr,
			     uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (addr->family == NET_IP4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, addr->bytes, 16);
	return sizeof(*v6);
}

static int open_socket(const struct net_addr *addr, uint16_t port)
{
	struct sockaddr_storage name;
	socklen_t n = to_sockaddr(&name, addr, port);
	int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&name, n)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void hook_send(void *context, const struct ikev2_datagram *datagram,
		      const struct ikev2_connection *connection)
{
	struct probe *probe = context;
	struct sockaddr_storage to;
	socklen_t n = to_sockaddr(&to, &datagram->path.remote, datagram->path.remote_port);
	uint8_t bytes[65536];
	size_t marker = datagram->non_esp_marker ? IKE_NON_ESP_MARKER_BYTES : 0;
	int fd = probe->sockets[datagram->path.local_port == IKE_PORT_NATT];

	if (datagram->bytes.n > sizeof(bytes) - marker)
		return;
	memset(bytes, 0, marker);
	memcpy(bytes + marker, datagram->bytes.p, datagram->bytes.n);
	if (sendto(fd, bytes, marker + datagram->bytes.n, 0, (struct sockaddr *)&to, n) < 0)
		printf("send: %s\n", strerror(errno));
}

static const char *const kinds[] = {
	"up",		"down",		 "failed",     "rekeyed", "child-up", "child-down",
	"child-failed", "child-rekeyed", "peer-moved", "suspect", "alive",    "reauth",
};

static void hook_event(void *context, const struct ikev2_event *event)
{
	struct probe *probe = context;

	if (event->kind == IKEV2_EVENT_UP || event->kind == IKEV2_EVENT_REKEYED)
		probe->ike = event->ike;
	if (event->kind == IKEV2_EVENT_CHILD_UP || event->kind == IKEV2_EVENT_CHILD_REKEYED)
		probe->child = event->child;
	printf("event %s ike=%016lx child=%08x old=%08x reason=%s %s\n", kinds[event->kind],
	       event->ike, event->child, event->old_child, ikev2_reason_name(event->reason),
	       event->detail);
}

static void hook_lookup(void *context, uint64_t token, const struct ikev2_path *path)
{
	struct probe *probe = context;

	ikev2_lookup_done(probe->engine, token, &probe->connection, 1);
}

static void hook_psk(void *context, uint64_t token, const struct ikev2_connection *connection)
{
	struct probe *probe = context;

	ikev2_psk_done(probe->engine, token, secret_span(&probe->psk));
}

static uint32_t hook_spi_get(void *context, const struct ikev2_connection *connection)
{
	return ((struct probe *)context)->next_spi++;
}

static void hook_spi_put(void *context, uint32_t spi)
{
}

static void hook_install(void *context, uint64_t token, const struct ikev2_child_install *install)
{
	struct probe *probe = context;
	char local[NET_SELECTOR_TEXT];
	char remote[NET_SELECTOR_TEXT];

	printf("install child=%08x out=%08x replaces=%08x entry=%u send=%d cipher=%u/%u esn=%d "
	       "udp=%d %s === %s (%u,%u)\n",
	       install->child, install->outbound->spi, install->replaces, install->entry,
	       install->send, install->outbound->cipher, install->outbound->integrity,
	       !!(install->outbound->flags & CONTRACT_SA_ESN),
	       !!(install->outbound->flags & CONTRACT_SA_UDP),
	       net_selector_text(local, install->local), net_selector_text(remote, install->remote),
	       install->local_count, install->remote_count);
	ikev2_install_done(probe->engine, token, 0);
}

static void hook_switch(void *context, uint32_t child)
{
	printf("switch child=%08x\n", child);
}

static void hook_remove(void *context, uint32_t child)
{
	printf("remove child=%08x\n", child);
}

static void hook_move(void *context, uint32_t child, const struct ikev2_path *path)
{
	char text[NET_ADDR_TEXT];

	printf("move child=%08x to %s port %u\n", child, net_addr_text(text, &path->remote),
	       path->remote_port);
}

static void hook_trace(void *context, uint64_t ike, const struct ikev2_connection *connection,
		       const char *line)
{
	printf("%s\n", line);
}

static void receive(struct probe *probe, int which)
{
	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof(from);
	uint8_t bytes[65536];
	ssize_t got = recvfrom(probe->sockets[which], bytes, sizeof(bytes), 0,
			       (struct sockaddr *)&from, &n);
	struct ikev2_datagram datagram = { .bytes = { bytes, (size_t)got } };

	if (got <= 0)
		return;
	datagram.path.local = probe->local;
	datagram.path.local_port = which ? IKE_PORT_NATT : IKE_PORT;
	if (from.ss_family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&from;

		datagram.path.remote = net_addr_of(NET_IP4, &v4->sin_addr);
		datagram.path.remote_port = ntohs(v4->sin_port);
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&from;

		datagram.path.remote = net_addr_of(NET_IP6, &v6->sin6_addr);
		datagram.path.remote_port = ntohs(v6->sin6_port);
	}
	if (which) {
		if (ike_natt_classify((struct span){ bytes, (size_t)got }, &datagram.bytes) !=
		    IKE_NATT_IKE)
			return;
		datagram.non_esp_marker = true;
	}
	ikev2_receive(probe->engine, &datagram, now());
}

static int dial(struct probe *probe)
{
	const struct ikev2_dial how = { .connection = probe->connection,
					.path = { .local = probe->local,
						  .remote = probe->remote } };

	return ikev2_initiate(probe->engine, &how, now(), &probe->ike);
}

static void status(struct probe *probe)
{
	struct ikev2_info info;
	uint64_t ike;

	for (ike = ikev2_next(probe->engine, 0); ike; ike = ikev2_next(probe->engine, ike)) {
		char suite[IKE_SUITE_TEXT];

		if (ikev2_info(probe->engine, ike, &info))
			continue;
		printf("ike %016lx %s %s children=%u frag=%d mobike=%d nat=%d%d method=%u/%u\n",
		       ike, ikev2_state_text(info.state), ike_suite_text(suite, &info.suite),
		       info.child_count, info.fragmentation, info.mobike, info.nat_local,
		       info.nat_remote, info.local_auth_method, info.remote_auth_method);
	}
	printf("status end\n");
}

static int move(struct probe *probe, const char *to)
{
	struct ikev2_info info;
	struct ikev2_path path;

	if (net_addr_parse(&probe->local, to) || ikev2_info(probe->engine, probe->ike, &info))
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		close(probe->sockets[i]);
		probe->sockets[i] = open_socket(&probe->local, i ? IKE_PORT_NATT : IKE_PORT);
		if (probe->sockets[i] < 0)
			return -errno;
	}
	path = info.path;
	path.local = probe->local;
	return ikev2_move(probe->engine, probe->ike, &path, now());
}

/* False: quit. */
static bool command(struct probe *probe, char *line)
{
	int error = 0;

	line[strcspn(line, "\n")] = 0;
	if (strcmp(line, "quit") == 0)
		return false;
	if (strcmp(line, "dial") == 0)
		error = dial(probe);
	else if (strcmp(line, "rekey") == 0)
		error = ikev2_rekey(probe->engine, probe->ike, now());
	else if (strcmp(line, "child-rekey") == 0)
		error = ikev2_child_rekey(probe->engine, probe->child, now());
	else if (strncmp(line, "child-new ", 10) == 0)
		error = ikev2_child_initiate(probe->engine, probe->ike,
					     (uint16_t)strtoul(line + 10, NULL, 10), NULL, now());
	else if (strcmp(line, "child-delete") == 0)
		error = ikev2_child_delete(probe->engine, probe->child, now());
	else if (strcmp(line, "probe") == 0)
		error = ikev2_probe(probe->engine, probe->ike, now());
	else if (strcmp(line, "delete") == 0)
		error = ikev2_delete(probe->engine, probe->ike, false, now());
	else if (strncmp(line, "move ", 5) == 0)
		error = move(probe, line + 5);
	else if (strcmp(line, "status") == 0)
		status(probe);
	else
		error = -EINVAL;
	if (error)
		printf("error %s: %s\n", line, strerror(-error));
	return true;
}

static void run(struct probe *probe)
{
	char line[300];

	for (;;) {
		struct pollfd fds[3] = { { .fd = 0, .events = POLLIN },
					 { .fd = probe->sockets[0], .events = POLLIN },
					 { .fd = probe->sockets[1], .events = POLLIN } };
		uint64_t deadline = ikev2_deadline(probe->engine);
		uint64_t at = now();
		int wait = !deadline	    ? -1
			   : deadline <= at ? 0
					    : (int)((deadline - at) / 1000000) + 1;

		if (poll(fds, 3, wait) < 0)
			return;
		ikev2_tick(probe->engine, now());
		if (fds[0].revents & (POLLIN | POLLHUP)) {
			if (!fgets(line, sizeof(line), stdin) || !command(probe, line))
				return;
		}
		for (int i = 0; i < 2; i++)
			if (fds[i + 1].revents & POLLIN)
				receive(probe, i);
	}
}

static struct span read_file(const char *path)
{
	static uint8_t bytes[4][65536];
	static int next;
	FILE *file = fopen(path, "re");
	struct span span = { bytes[next], 0 };

	if (!file)
		return span;
	span.n = fread(bytes[next++], 1, sizeof(bytes[0]), file);
	fclose(file);
	return span;
}

static int add_children(struct probe *probe, char *text)
{
	uint16_t i = probe->config.child_count;
	char *right = strstr(text, "===");
	struct net_prefix prefix;

	if (!right || i == CHILDREN)
		return -EINVAL;
	*right = 0;
	if (net_prefix_parse(&prefix, text))
		return -EINVAL;
	probe->selectors[2 * i] = net_selector_of_prefix(&prefix);
	if (net_prefix_parse(&prefix, right + 3))
		return -EINVAL;
	probe->selectors[2 * i + 1] = net_selector_of_prefix(&prefix);
	probe->children[i] = (struct ikev2_child_config){ .local = &probe->selectors[2 * i],
							  .remote = &probe->selectors[2 * i + 1],
							  .local_count = 1,
							  .remote_count = 1 };
	probe->config.child_count++;
	return 0;
}

static int credentials(struct probe *probe, const char *name, const char *value)
{
	struct crypto_key *key;
	struct crypto_trust *trust;
	struct crypto_cert *ca;
	size_t count = 4;

	if (strcmp(name, "key") == 0) {
		if (crypto_key_load(read_file(value), NULL, &key))
			return -EINVAL;
		probe->credential.key = key;
		return 0;
	}
	if (strcmp(name, "cert") == 0) {
		if (crypto_cert_load_all(read_file(value), probe->certs, &count))
			return -EINVAL;
		probe->credential.certs = probe->certs;
		probe->credential.cert_count = (uint8_t)count;
		probe->config.credential = &probe->credential;
		probe->config.local_auth = probe->config.remote_auth = IKEV2_AUTH_CERT;
		return 0;
	}
	if (crypto_cert_load(read_file(value), &ca) || crypto_trust_new(&trust) ||
	    crypto_trust_add_anchor(trust, ca))
		return -EINVAL;
	probe->config.trust = trust;
	return 0;
}

/* ike=aes256gcm16-prfsha384-ecp384, esp=aes256gcm16-ecp384-esn: one proposal each. */
static int proposal(struct probe *probe, enum ike_protocol protocol, const char *value)
{
	struct ike_policy *policy = &probe->custom.policy;
	struct ike_proposal *to =
		protocol == IKE_PROTOCOL_IKE ? &probe->custom.ike : &probe->custom.child;
	struct span bad;

	if (!policy->ike_offer)
		*policy = *probe->config.policy;
	if (ike_proposal_parse(to, protocol, value, &bad))
		return -EINVAL;
	if (protocol == IKE_PROTOCOL_IKE) {
		policy->ike_offer = policy->ike_accept = to;
		policy->ike_offer_count = policy->ike_accept_count = 1;
	} else {
		policy->child_offer = policy->child_accept = to;
		policy->child_offer_count = policy->child_accept_count = 1;
	}
	probe->config.policy = policy;
	return 0;
}

static int option(struct probe *probe, char *text)
{
	char *value = strchr(text, '=');
	struct ikev2_config *config = &probe->config;

	if (value)
		*value++ = 0;
	else
		value = text + strlen(text);
	if (strcmp(text, "local") == 0)
		return net_addr_parse(&probe->local, value);
	if (strcmp(text, "remote") == 0)
		return net_addr_parse(&probe->remote, value);
	if (strcmp(text, "psk") == 0)
		return ike_psk_octets(&probe->psk, value);
	if (strcmp(text, "id") == 0) {
		config->local_id = &probe->local_id;
		return ike_id_parse(&probe->local_id, value);
	}
	if (strcmp(text, "peer-id") == 0) {
		config->remote_id = &probe->remote_id;
		return ike_id_parse(&probe->remote_id, value);
	}
	if (strcmp(text, "ts") == 0)
		return add_children(probe, value);
	if (strcmp(text, "ike") == 0)
		return proposal(probe, IKE_PROTOCOL_IKE, value);
	if (strcmp(text, "esp") == 0)
		return proposal(probe, IKE_PROTOCOL_ESP, value);
	if (strcmp(text, "profile") == 0)
		config->policy = ike_policy_by_name(value);
	else if (strcmp(text, "dpd") == 0)
		config->dpd_s = (uint16_t)strtoul(value, NULL, 10);
	else if (strcmp(text, "encap") == 0)
		config->force_encapsulation = true;
	else if (strcmp(text, "childless") == 0)
		config->childless = true;
	else if (strcmp(text, "trace") == 0)
		probe->trace = true;
	else if (strcmp(text, "cookies") == 0)
		probe->cookies = true;
	else if (strcmp(text, "responder") == 0)
		probe->dials = false;
	else
		return credentials(probe, text, value);
	return config->policy ? 0 : -EINVAL;
}

static int start(struct probe *probe)
{
	const struct ikev2_hooks hooks = {
		.context = probe,
		.send = hook_send,
		.event = hook_event,
		.lookup = hook_lookup,
		.psk = hook_psk,
		.spi_get = hook_spi_get,
		.spi_put = hook_spi_put,
		.child_install = hook_install,
		.child_switch = hook_switch,
		.child_remove = hook_remove,
		.child_move = hook_move,
		.trace = probe->trace ? hook_trace : NULL,
	};
	char any[] = "0.0.0.0/0===0.0.0.0/0";

	for (int i = 0; i < 2; i++) {
		probe->sockets[i] = open_socket(&probe->local, i ? IKE_PORT_NATT : IKE_PORT);
		if (probe->sockets[i] < 0)
			return -errno;
	}
	if (!probe->config.child_count && add_children(probe, any))
		return -EINVAL;
	probe->config.children = probe->children;
	if (ikev2_connection_new(&probe->config, &probe->connection))
		return -ENOMEM;
	return ikev2_engine_new(&hooks, NULL, &probe->engine);
}

int main(int argc, char **argv)
{
	static struct probe probe = { .next_spi = 0xc0001000, .dials = true };
	int error;

	probe.config = (struct ikev2_config){
		.name = "probe",
		.policy = ike_policy_profile(IKE_PROFILE_STRONG),
		.local_auth = IKEV2_AUTH_PSK,
		.remote_auth = IKEV2_AUTH_PSK,
		.initial_contact = true,
		.mobike = true,
		.any_identity = true,
		.dpd_s = 30,
	};
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	error = secret_pool_init(1 << 20);
	for (int i = 1; i < argc && !error; i++) {
		error = option(&probe, argv[i]);
		if (error)
			fprintf(stderr, "ikev2_probe: wrong option %s\n", argv[i]);
	}
	if (!error)
		error = start(&probe);
	if (!error && probe.cookies)
		ikev2_half_open_elsewhere(probe.engine, 1000);
	if (!error && probe.dials)
		error = dial(&probe);
	if (error) {
		fprintf(stderr, "ikev2_probe: %s\n", strerror(-error));
		return 1;
	}
	run(&probe);
	ikev2_engine_free(probe.engine);
	return 0;
}
