/*
 * Addresses of an IKE SA: NAT detection (RFC 7296 section 2.23), a peer behind a NAT that moves,
 * and MOBIKE (RFC 4555).
 */
#include "control/ikev2/child.h"
#include "control/ikev2/handlers.h"

#include <errno.h>

static struct span hash_of(struct ikev2_sa *sa, const struct ike_header *header,
			   const struct net_addr *addr, uint16_t port, uint8_t hash[20])
{
	if (ike_nat_detection(sa->engine->crypto, header, addr, port, hash))
		return (struct span){ 0 };
	return (struct span){ hash, 20 };
}

void ikev2_mobike_build_nat(struct ikev2_sa *sa, struct ike_builder *b,
			    const struct ike_header *header, const struct ikev2_path *path)
{
	uint8_t hash[20];
	struct span source = hash_of(sa, header, &path->local, path->local_port, hash);

	/* A hash that fits nothing makes the peer encapsulate too. */
	if (source.n && sa->connection && ikev2_sa_config(sa)->force_encapsulation)
		hash[0] ^= 0xff;
	ike_build_notify(b, IKE_N_NAT_DETECTION_SOURCE_IP, source);
	ike_build_notify(b, IKE_N_NAT_DETECTION_DESTINATION_IP,
			 hash_of(sa, header, &path->remote, path->remote_port, hash));
}

/* One of the hashes of this type is that of the address; *seen: there was one at all. */
static bool has_hash(const struct ike_message *message, uint16_t type, struct span wanted,
		     bool *seen)
{
	const struct ike_payload *at = NULL;
	struct ike_notify notify;

	while ((at = ike_message_next(message, IKE_PAYLOAD_N, at))) {
		if (ike_notify_decode(at->body, &notify) != IKE_ERROR_OK || notify.type != type)
			continue;
		*seen = true;
		if (notify.data.n == wanted.n && memcmp(notify.data.p, wanted.p, wanted.n) == 0)
			return true;
	}
	return false;
}

void ikev2_mobike_check_nat(struct ikev2_sa *sa, const struct ike_message *message,
			    const struct ikev2_path *path)
{
	uint8_t hash[20];
	bool source = false;
	bool destination = false;
	bool remote_plain;
	bool local_plain;

	remote_plain = has_hash(
		message, IKE_N_NAT_DETECTION_SOURCE_IP,
		hash_of(sa, &message->header, &path->remote, path->remote_port, hash), &source);
	local_plain = has_hash(message, IKE_N_NAT_DETECTION_DESTINATION_IP,
			       hash_of(sa, &message->header, &path->local, path->local_port, hash),
			       &destination);
	if (!source || !destination)
		return;
	sa->nat_remote = !remote_plain;
	sa->nat_local = !local_plain;
	sa->encapsulate = sa->nat_remote || sa->nat_local ||
			  (sa->connection && ikev2_sa_config(sa)->force_encapsulation);
	ikev2_trace_local(sa, "NAT detection: %s%s%s", sa->nat_local ? "we are behind a NAT " : "",
			  sa->nat_remote ? "the peer is behind a NAT" : "",
			  sa->encapsulate ? "" : "no NAT");
	/* Section 2.23: the initiator goes on at port 4500. */
	if (sa->encapsulate && sa->initiator && !sa->floated) {
		sa->path.local_port =
			sa->path.local_port == IKE_PORT ? IKE_PORT_NATT : sa->path.local_port;
		sa->path.remote_port = IKE_PORT_NATT;
		sa->floated = true;
	}
}

static bool same_path(const struct ikev2_path *a, const struct ikev2_path *b)
{
	return net_addr_equal(&a->local, &b->local) && net_addr_equal(&a->remote, &b->remote) &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port;
}

void ikev2_mobike_tell(struct ikev2_sa *sa)
{
	const struct ikev2_hooks *hooks = &sa->engine->hooks;
	struct list *at;

	sa->moves++;
	list_for_each (at, &sa->children) {
		struct ikev2_child *child = list_entry(at, struct ikev2_child, link);

		child->moves = sa->moves;
		if (child->installed)
			hooks->child_move(hooks->context, child->spi, &sa->path);
	}
}

void ikev2_mobike_path(struct ikev2_sa *sa, const struct ikev2_path *path, bool marker)
{
	if (same_path(&sa->path, path))
		return;
	sa->path = *path;
	sa->floated = marker;
	ikev2_mobike_tell(sa);
	ikev2_sa_event(sa, IKEV2_EVENT_PEER_MOVED, IKEV2_REASON_NONE, NULL);
}

/* RFC 4555 section 3.8: only the initiator moves. */
static bool asks(const struct ikev2_sa *sa)
{
	return sa->mobike && sa->nat_local && sa->dialled;
}

void ikev2_mobike_ask(struct ikev2_sa *sa, struct ike_builder *b)
{
	const struct ike_header header =
		ikev2_exchange_header(sa, INFORMATIONAL, false, sa->next_id);

	if (asks(sa))
		ikev2_mobike_build_nat(sa, b, &header, &sa->path);
}

void ikev2_mobike_seen(struct ikev2_sa *sa, const struct ike_message *message)
{
	static const uint8_t never[sizeof(sa->seen_as)];
	struct ike_notify notify;
	bool first = !memcmp(sa->seen_as, never, sizeof(never));

	if (!asks(sa) ||
	    ike_notify_find(message, IKE_N_NAT_DETECTION_DESTINATION_IP, &notify) != IKE_ERROR_OK ||
	    notify.data.n != sizeof(sa->seen_as) ||
	    !memcmp(sa->seen_as, notify.data.p, sizeof(sa->seen_as)))
		return;
	memcpy(sa->seen_as, notify.data.p, sizeof(sa->seen_as));
	if (first || ikev2_job_find(sa, IKEV2_JOB_MOVE, 0))
		return;
	ikev2_trace_local(sa, "our NAT has another address for us");
	if (!ikev2_job_add(sa, IKEV2_JOB_MOVE))
		ikev2_trace_local(sa, "out of memory: the peer is not told");
}

static bool find_cookie2(const struct ike_message *message, struct ike_notify *notify)
{
	return ike_notify_find(message, IKE_N_COOKIE2, notify) == IKE_ERROR_OK &&
	       notify->data.n >= 8 && notify->data.n <= 64;
}

/* The peer sent it before it knew of the rekey that crossed it: it means the successor too, unless
 * that has heard of another address since. */
static void move_heir(const struct ikev2_sa *sa)
{
	struct ikev2_sa *heir =
		sa->state == IKEV2_STATE_REKEYED ? ikev2_sa_find(sa->engine, sa->heir) : NULL;

	if (!heir || heir->moves)
		return;
	heir->nat_local = sa->nat_local;
	heir->nat_remote = sa->nat_remote;
	heir->encapsulate = sa->encapsulate;
	ikev2_mobike_path(heir, &sa->path, sa->floated);
}

/* Section 3.9: both addresses and ports as the peer sent them; else there is a NAT. */
static bool came_as_sent(const struct ikev2_path *path, struct span data)
{
	size_t n = net_addr_len(&path->remote);
	struct cursor c = cursor_of(data.p, data.n);
	const uint8_t *source = cursor_take(&c, n);
	const uint8_t *destination = cursor_take(&c, n);
	uint16_t source_port = cursor_u16(&c);
	uint16_t destination_port = cursor_u16(&c);

	return cursor_ok(&c) && !cursor_left(&c) && !memcmp(source, path->remote.bytes, n) &&
	       !memcmp(destination, path->local.bytes, n) && source_port == path->remote_port &&
	       destination_port == path->local_port;
}

uint16_t ikev2_mobike_request(struct ikev2_task *task, struct ike_builder *b)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_notify notify;

	if (!sa->mobike)
		return 0;
	/* RFC 4555 section 3.7: the answer repeats it. */
	if (find_cookie2(&task->message, &notify))
		ike_build_notify(b, IKE_N_COOKIE2, notify.data);
	if (!ike_notify_has(&task->message, IKE_N_UPDATE_SA_ADDRESSES)) {
		/* Section 3.8: a peer behind a NAT asks whether its mapping is another one. */
		if (ike_notify_has(&task->message, IKE_N_NAT_DETECTION_SOURCE_IP))
			ikev2_mobike_build_nat(
				sa, b,
				&(struct ike_header){ .spi_i = task->message.header.spi_i,
						      .spi_r = task->message.header.spi_r },
				&task->path);
		return 0;
	}
	if (ike_notify_find(&task->message, IKE_N_NO_NATS_ALLOWED, &notify) == IKE_ERROR_OK &&
	    !came_as_sent(&task->path, notify.data)) {
		ike_build_notify(b, IKE_N_UNEXPECTED_NAT_DETECTED, (struct span){ 0 });
		return IKE_N_UNEXPECTED_NAT_DETECTED;
	}
	ikev2_mobike_check_nat(sa, &task->message, &task->path);
	ikev2_mobike_path(sa, &task->path, task->marker);
	move_heir(sa);
	ikev2_mobike_build_nat(sa, b,
			       &(struct ike_header){ .spi_i = task->message.header.spi_i,
						     .spi_r = task->message.header.spi_r },
			       &sa->path);
	return 0;
}

enum ikev2_step ikev2_mobike_start(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_header header;
	struct ike_builder b;
	uint8_t cookie[16];

	header = ikev2_exchange_header(sa, INFORMATIONAL, false, sa->next_id);
	if (secret_random(cookie, sizeof(cookie)))
		return IKEV2_DONE;
	ikev2_exchange_start(sa, &b, INFORMATIONAL);
	ike_build_notify(&b, IKE_N_UPDATE_SA_ADDRESSES, (struct span){ 0 });
	ikev2_mobike_build_nat(sa, &b, &header, &sa->path);
	ike_build_notify(&b, IKE_N_COOKIE2, (struct span){ cookie, sizeof(cookie) });
	if (ikev2_exchange_send(sa, &b, task->job, NULL))
		return IKEV2_DONE;
	task->job = NULL;
	memcpy(sa->own->cookie2, cookie, sizeof(cookie));
	return IKEV2_DONE;
}

enum ikev2_step ikev2_mobike_response(struct ikev2_task *task)
{
	struct ikev2_sa *sa = task->sa;
	struct ike_notify notify;
	bool good = find_cookie2(&task->message, &notify) &&
		    notify.data.n == sizeof(sa->own->cookie2) &&
		    memcmp(notify.data.p, sa->own->cookie2, notify.data.n) == 0;

	ikev2_exchange_end(sa);
	sa->next_id++;
	if (!good) {
		ikev2_informational_goodbye(sa, 0);
		ikev2_sa_end(sa, IKEV2_REASON_PAYLOAD, "COOKIE2 was not returned");
		return IKEV2_DONE;
	}
	ikev2_mobike_check_nat(sa, &task->message, &task->path);
	ikev2_mobike_tell(sa);
	return IKEV2_DONE;
}
