/*
 * One SA: checks, hot records, changes that keep keys and counters, removal.
 */
#include "dataplane/sa/head.h"
#include "dataplane/sa/store.h"

#include <rte_byteorder.h>
#include <rte_malloc.h>

#include <errno.h>
#include <string.h>

/* Numbers above are never used, so that adding to the counter cannot wrap it. */
#define SEQUENCE_END (UINT64_MAX - (UINT64_C(1) << 32))

static const struct cipher_suite *suite_of(const struct contract_sa *sa)
{
	return cipher_suite_find(sa->cipher, sa->integrity, sa->icv_bytes);
}

static int check_direction(struct sa_store *store, const struct contract_object *object,
			   const struct contract_sa *sa)
{
	if (sa->direction == CONTRACT_INBOUND) {
		if (!(sa->flags & CONTRACT_SA_NO_REPLAY_CHECK) &&
		    (sa->window < WINDOW_MIN || sa->window > WINDOW_MAX))
			return sa_fail(store, -EINVAL, "replay window %u is not in %u..%u",
				       sa->window, WINDOW_MIN, WINDOW_MAX);
		if ((sa->spi & CONTRACT_SPI_ID_MASK) != object->id)
			return sa_fail(store, -EINVAL, "SPI %08x does not end in the id %u",
				       sa->spi, object->id);
		return 0;
	}
	if (sa->direction != CONTRACT_OUTBOUND)
		return sa_fail(store, -EINVAL, "direction %u", sa->direction);
	if (sa->local.family == NET_NONE || sa->local.family != sa->remote.family)
		return sa_fail(store, -EINVAL, "outer addresses are not of one family");
	if ((sa->flags & CONTRACT_SA_UDP) && (!sa->local_port || !sa->remote_port))
		return sa_fail(store, -EINVAL, "UDP encapsulation without ports");
	return 0;
}

static int check_keys(struct sa_store *store, const struct contract_sa *sa)
{
	static const uint8_t integrity_bytes[] = {
#define X(name, text, key, icv) key,
		CONTRACT_INTEGRITIES(X)
#undef X
	};
	const struct cipher_suite *suite = suite_of(sa);

	if (!suite)
		return sa_fail(store, -EOPNOTSUPP,
			       "cipher %u with integrity %u and %u bytes of ICV is not supported",
			       sa->cipher, sa->integrity, sa->icv_bytes);
	if (sa->key_length != suite->key_bytes + suite->salt_bytes ||
	    sa->integrity_key_length != integrity_bytes[suite->integrity])
		return sa_fail(store, -EINVAL, "keys of %u and %u bytes, not %u and %u",
			       sa->key_length, sa->integrity_key_length,
			       suite->key_bytes + suite->salt_bytes,
			       integrity_bytes[suite->integrity]);
	return 0;
}

static uint64_t last_number(const struct contract_sa *sa)
{
	return sa->flags & CONTRACT_SA_ESN ? SEQUENCE_END : UINT32_MAX;
}

static int check_new(struct sa_store *store, const struct contract_object *object,
		     const struct contract_sa *sa)
{
	struct sa_record *child = sa_record_get(store, CONTRACT_CHILD, sa->child);
	int err;

	if (object->id == 0 || object->id >= store->config.sas || sa->spi == 0)
		return sa_fail(store, -EINVAL, "SA id %u or SPI %08x is out of range", object->id,
			       sa->spi);
	if (sa->flags & CONTRACT_SA_TRANSPORT)
		return sa_fail(store, -EOPNOTSUPP, "transport mode is not supported");
	if (!sa_record_get(store, CONTRACT_TUNNEL, sa->tunnel))
		return sa_fail(store, -ENOENT, "there is no tunnel %u", sa->tunnel);
	if (!child || sa_child_body(child)->tunnel != sa->tunnel)
		return sa_fail(store, -ENOENT, "tunnel %u has no child %u", sa->tunnel, sa->child);
	if (sa->direction == CONTRACT_OUTBOUND && sa->sequence_start > last_number(sa))
		return sa_fail(store, -EINVAL, "SA %08x starts behind its last number", sa->spi);
	err = check_direction(store, object, sa);
	return err ? err : check_keys(store, sa);
}

static uint16_t flags_of(const struct contract_sa *sa, const struct cipher_suite *suite)
{
	uint16_t flags = suite->aead ? SA_AEAD : 0;

	flags |= suite->random_iv ? SA_RANDOM_IV : 0;
	flags |= sa->flags & CONTRACT_SA_ESN ? SA_ESN : 0;
	flags |= sa->flags & CONTRACT_SA_UDP ? SA_UDP : 0;
	flags |= sa->flags & CONTRACT_SA_TFC ? SA_TFC : 0;
	flags |= sa->flags & CONTRACT_SA_NO_REPLAY_CHECK ? SA_NO_REPLAY : 0;
	flags |= sa->soft_bytes || sa->hard_bytes ? SA_METERED : 0;
	if (sa->direction == CONTRACT_INBOUND) {
		flags |= sa->soft_packets || sa->hard_packets ? SA_METERED : 0;
		flags |= net_addr_is_any(&sa->remote) ? 0 : SA_CHECK_PEER;
	}
	flags |= sa->remote.family == NET_IP6 ? SA_IP6 : 0;
	if (sa->cipher >= CONTRACT_CIPHER_AES128_CTR && sa->cipher <= CONTRACT_CIPHER_AES256_CTR)
		flags |= SA_CTR;
	if (sa->cipher == CONTRACT_CIPHER_NULL || (sa->cipher >= CONTRACT_CIPHER_AES128_GMAC &&
						   sa->cipher <= CONTRACT_CIPHER_AES256_GMAC))
		flags |= SA_AUTH_ONLY;
	if (suite->aead && suite->salt_bytes == 4 && sa->icv_bytes % 16 == 0)
		flags |= SA_COMMON;
	return flags;
}

/* What is beyond any counter does not come round to a small one. */
static uint64_t limit_at(uint64_t base, uint64_t packets)
{
	return packets > UINT64_MAX - base ? UINT64_MAX : base + packets;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Lifetimes; the counter itself is left as it is. Inbound counts packets, outbound numbers: those
 * end by themselves, so a new SA is asked for when an eighth of what this one began with is left.
 */
static void life_set(struct sa_life *life, const struct contract_sa *sa, uint64_t base)
{
	uint64_t end = last_number(sa);
	uint64_t hard = sa->hard_packets ? limit_at(base, sa->hard_packets) : UINT64_MAX;
	uint64_t soft = sa->soft_packets ? limit_at(base, sa->soft_packets) : 0;

	if (sa->direction == CONTRACT_OUTBOUND) {
		hard = lower(hard, end);
		soft = lower(soft ? soft : UINT64_MAX, end - (end - base) / 8 - 1);
	}
	life->soft_bytes = sa->soft_bytes;
	life->hard_bytes = sa->hard_bytes;
	life->spread = sa->spread ? sa->spread : CONTRACT_SPREAD_DEFAULT;
	life->soft = soft;
	__atomic_store_n(&life->hard, hard, __ATOMIC_RELAXED);
	__atomic_store_n(&life->alarm, soft && soft < hard ? soft : hard, __ATOMIC_RELAXED);
}

static void keys_expand(struct sa_store *store, uint32_t id, const struct contract_sa *sa)
{
	cipher_expand(store->lane, suite_of(sa), sa->key, sa->integrity_key,
		      sa_key_memory(store, id));
}

static int inbound_fill(struct sa_store *store, uint32_t id, const struct contract_sa *sa)
{
	const struct cipher_suite *suite = suite_of(sa);
	struct sa_slot *slot = sa_slot(&store->hot, id);
	uint32_t size = sa->flags & CONTRACT_SA_NO_REPLAY_CHECK ? WINDOW_MIN : sa->window;
	uint64_t *slots = slot->slots;

	if (size > SA_WINDOW_INLINE) {
		slots = rte_malloc("sa_window", window_slot_count(size) * sizeof(uint64_t), 64);
		if (!slots)
			return sa_fail(store, -ENOMEM, "no memory for a window of %u", size);
	}
	window_init(&slot->window, slots, size, sa->sequence_start);
	life_set(&slot->in_life, sa, 0);
	slot->in = (struct sa_inbound){
		.tunnel = sa->tunnel,
		.open = suite->open,
		.key = sa_key_memory(store, id),
		.flags = flags_of(sa, suite) | (uint16_t)store->hot.children[sa->child].any,
		.iv_bytes = suite->iv_bytes,
		.tag_bytes = sa->icv_bytes ? sa->icv_bytes : suite->tag_bytes,
		.block = suite->block,
		.salt_bytes = suite->salt_bytes,
		.remote_port_be = rte_cpu_to_be_16(sa->remote_port),
		.child = sa->child,
		.id = id,
	};
	memcpy(&slot->in.salt, sa->key + suite->key_bytes, suite->salt_bytes);
	memcpy(slot->in.remote, sa->remote.bytes, sizeof(slot->in.remote));
	__atomic_store_n(&slot->in.spi, sa->spi, __ATOMIC_RELEASE);
	return 0;
}

static void outbound_fill(struct sa_store *store, uint32_t id, const struct contract_sa *sa,
			  struct sa_outbound *out)
{
	const struct cipher_suite *suite = suite_of(sa);

	memset(out, 0, sizeof(*out));
	out->seal = suite->seal;
	out->key = sa_key_memory(store, id);
	out->id = id;
	out->flags = flags_of(sa, suite);
	out->iv_bytes = suite->iv_bytes;
	out->tag_bytes = sa->icv_bytes ? sa->icv_bytes : suite->tag_bytes;
	out->block = suite->block;
	out->salt_bytes = suite->salt_bytes;
	sa_head_build(out, sa);
	/* headers, ESP header, IV, pad length and next header, ICV */
	out->fixed = (uint8_t)(out->head_bytes + 8 + out->iv_bytes + 2 + out->tag_bytes);
}

int sa_assoc_add(struct sa_store *store, const struct contract_object *object)
{
	const struct contract_sa *sa = (const struct contract_sa *)(object + 1);
	struct sa_slot *slot;
	int err = check_new(store, object, sa);

	if (err)
		return err;
	if (store->slot_busy[object->id]) {
		sa_grace_wait(store, store->slot_token[object->id]);
		sa_reclaim(store);
	}
	err = sa_record_put(store, object);
	if (err)
		return err;
	slot = sa_slot(&store->hot, object->id);
	sa_counters_zero(store, CONTRACT_COUNT_SAS, object->id);
	keys_expand(store, object->id, sa);
	if (sa->direction == CONTRACT_INBOUND) {
		err = inbound_fill(store, object->id, sa);
		if (err)
			sa_record_drop(store, CONTRACT_SA, object->id);
		return err;
	}
	outbound_fill(store, object->id, sa, &slot->out[0]);
	memcpy(&slot->out[0].salt, sa->key + suite_of(sa)->key_bytes, slot->out[0].salt_bytes);
	slot->out_life.next = sa->sequence_start;
	life_set(&slot->out_life, sa, sa->sequence_start);
	return 0;
}

static int check_same(struct sa_store *store, const struct contract_sa *was,
		      const struct contract_sa *now)
{
	if (was->spi != now->spi || was->direction != now->direction ||
	    was->cipher != now->cipher || was->integrity != now->integrity ||
	    was->icv_bytes != now->icv_bytes || was->tunnel != now->tunnel ||
	    was->child != now->child || was->flags != now->flags || was->window != now->window)
		return sa_fail(store, -EINVAL,
			       "SA %08x: only addresses, ports, spread and "
			       "lifetimes can change",
			       was->spi);
	return 0;
}

static void inbound_change(struct sa_store *store, struct sa_slot *slot,
			   const struct contract_sa *sa)
{
	uint16_t flags = slot->in.flags;
	bool checked = !net_addr_is_any(&sa->remote);

	/* No worker compares half an address: the check rests for a grace period. */
	__atomic_store_n(&slot->in.flags, flags & ~SA_CHECK_PEER, __ATOMIC_RELEASE);
	if (memcmp(slot->in.remote, sa->remote.bytes, sizeof(slot->in.remote)))
		sa_grace_wait(store, sa_grace_start(store));
	memcpy(slot->in.remote, sa->remote.bytes, sizeof(slot->in.remote));
	__atomic_store_n(&slot->in.remote_port_be, rte_cpu_to_be_16(sa->remote_port),
			 __ATOMIC_RELAXED);
	flags &= (uint16_t) ~(SA_IP6 | SA_CHECK_PEER | SA_METERED);
	flags |= sa->remote.family == NET_IP6 ? SA_IP6 : 0;
	flags |= checked ? SA_CHECK_PEER : 0;
	flags |= sa->soft_packets || sa->hard_packets || sa->soft_bytes || sa->hard_bytes
			 ? SA_METERED
			 : 0;
	__atomic_store_n(&slot->in.flags, flags, __ATOMIC_RELEASE);
	life_set(&slot->in_life, sa, 0);
}

static void outbound_change(struct sa_store *store, uint32_t id, const struct contract_sa *sa,
			    uint64_t base)
{
	struct sa_slot *slot = sa_slot(&store->hot, id);
	const struct sa_outbound *was = sa_assoc_outbound(store, id);
	struct sa_outbound *now = was == &slot->out[0] ? &slot->out[1] : &slot->out[0];
	uint32_t salt = was->salt;

	sa_grace_wait(store, store->slot_token[id]);
	outbound_fill(store, id, sa, now);
	now->salt = salt;
	life_set(&slot->out_life, sa, base);
	store->slot_current[id] = now == &slot->out[1];
	sa_child_moved(store, id, now);
	store->slot_token[id] = sa_grace_start(store);
}

int sa_assoc_set(struct sa_store *store, const struct contract_object *object)
{
	const struct contract_sa *sa = (const struct contract_sa *)(object + 1);
	struct sa_record *record = sa_record_get(store, CONTRACT_SA, object->id);
	uint64_t base = sa_body(record)->sequence_start;
	int err = check_same(store, sa_body(record), sa);

	if (!err)
		err = check_direction(store, object, sa);
	if (!err)
		err = sa_record_put(store, object);
	if (err)
		return err;
	record = sa_record_get(store, CONTRACT_SA, object->id);
	sa_body(record)->sequence_start = base;
	if (sa->direction == CONTRACT_INBOUND)
		inbound_change(store, sa_slot(&store->hot, object->id), sa);
	else
		outbound_change(store, object->id, sa, base);
	return 0;
}

const struct sa_outbound *sa_assoc_outbound(const struct sa_store *store, uint32_t id)
{
	struct sa_record *record = sa_record_get(store, CONTRACT_SA, id);
	struct sa_slot *slot;

	if (!record || sa_body(record)->direction != CONTRACT_OUTBOUND)
		return NULL;
	slot = sa_slot(&store->hot, id);
	return &slot->out[store->slot_current[id]];
}

int sa_assoc_del(struct sa_store *store, uint32_t id, struct contract_sa_final *final)
{
	struct sa_slot *slot = sa_slot(&store->hot, id);
	bool inbound =
		sa_body(sa_record_get(store, CONTRACT_SA, id))->direction == CONTRACT_INBOUND;

	if (inbound)
		__atomic_store_n(&slot->in.spi, 0, __ATOMIC_RELEASE);
	else
		sa_child_moved(store, id, NULL);
	if (final) {
		final->packets = sa_counters_sum(store, id, CONTRACT_SA_PACKETS);
		final->bytes = sa_counters_sum(store, id, CONTRACT_SA_BYTES);
		final->sequence = __atomic_load_n(
			inbound ? &slot->window.highest : &slot->out_life.next, __ATOMIC_RELAXED);
	}
	sa_record_drop(store, CONTRACT_SA, id);
	store->slot_token[id] = sa_grace_start(store);
	sa_retire(store, id, NULL);
	return 0;
}

void sa_assoc_wipe(struct sa_store *store, uint32_t id)
{
	struct sa_slot *slot = sa_slot(&store->hot, id);

	/* only an inbound record has a window, an outbound one other things in its place */
	if (slot->in.tunnel && slot->window.slots && slot->window.slots != slot->slots)
		rte_free(slot->window.slots);
	explicit_bzero(slot, sizeof(*slot));
	explicit_bzero(sa_key_memory(store, id), CIPHER_KEY_BYTES);
	store->slot_busy[id] = 0;
	store->slot_current[id] = 0;
}

void sa_assoc_child_changed(struct sa_store *store, uint32_t child, uint32_t any)
{
	for (uint32_t id = 1; id < store->sas.size; id++) {
		struct sa_record *record = store->sas.records[id];
		struct sa_slot *slot = sa_slot(&store->hot, id);

		if (!record || sa_body(record)->child != child ||
		    sa_body(record)->direction != CONTRACT_INBOUND)
			continue;
		__atomic_store_n(&slot->in.flags,
				 (uint16_t)((slot->in.flags & ~(SA_ANY4 | SA_ANY6)) | any),
				 __ATOMIC_RELEASE);
	}
}
