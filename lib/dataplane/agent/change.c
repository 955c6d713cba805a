#include "dataplane/agent/change.h"
#include "dataplane/agent/kind.h"
#include "dataplane/agent/outcome.h"
#include "dataplane/agent/waiting.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static bool change_note(struct agent *agent, const struct change *change)
{
	struct journal *journal = &agent->journal;

	if (journal->count == journal->capacity) {
		uint32_t capacity = journal->capacity ? journal->capacity * 2 : 64;
		struct change *changes = realloc(journal->changes, capacity * sizeof(*changes));

		if (!changes)
			return false;
		journal->changes = changes;
		journal->capacity = capacity;
	}
	journal->changes[journal->count++] = *change;
	journal->late += change->late;
	return true;
}

/* Kinds of the SA store go last: an SA's keys and windows cannot be put back. */
static bool change_is_late(enum contract_kind kind)
{
	return kind == CONTRACT_SA || kind == CONTRACT_CHILD || kind == CONTRACT_TUNNEL;
}

static bool change_is_going(const struct agent *agent, const struct contract_object *object)
{
	for (uint32_t i = 0; agent->journal.late && i < agent->journal.count; i++) {
		const struct change *change = &agent->journal.changes[i];

		if (change->late && change->old->kind == object->kind &&
		    change->old->id == object->id)
			return true;
	}
	return false;
}

static bool change_put(struct agent *agent, const struct contract_object *object,
		       struct contract_object *old, struct outcome *outcome)
{
	struct change change = { .old = old, .now = book_copy(object) };

	if (!change.now || !change_note(agent, &change)) {
		free(change.now);
		return outcome_refuse(outcome, CONTRACT_REFUSED_FULL, "no memory left");
	}
	/* The copy has no keys: the tables get the message's object. */
	if (kind_check(agent, object, outcome) && kind_put(agent, old, object, outcome))
		return true;
	agent->journal.count--;
	free(change.now);
	return false;
}

static bool change_delete(struct agent *agent, struct contract_object *old, struct outcome *outcome)
{
	enum contract_kind kind = (enum contract_kind)old->kind;
	struct change change = { .old = old, .late = change_is_late(kind) };
	uint32_t references = kind_has_id(kind) ? book_references(&agent->book, kind, old->id) : 0;

	if (references)
		return outcome_refuse(outcome, CONTRACT_REFUSED_IN_USE,
				      "%s %u is still referred to by %u others",
				      contract_kind_text(kind), old->id, references);
	if (!change_note(agent, &change))
		return outcome_refuse(outcome, CONTRACT_REFUSED_FULL, "no memory left");
	if (change.late) {
		book_refer(&agent->book, old, -1);
		return true;
	}
	if (kind_put(agent, old, NULL, outcome))
		return true;
	agent->journal.count--;
	return false;
}

static bool change_admissible(struct agent *agent, const struct contract_object *object,
			      struct outcome *outcome)
{
	enum contract_kind kind = (enum contract_kind)object->kind;
	uint32_t capacity = agent->book.shelves[kind].capacity;

	if (kind == CONTRACT_PORT || kind == CONTRACT_MIRROR)
		return outcome_refuse(outcome, CONTRACT_REFUSED_UNSUPPORTED,
				      "%s objects belong to the data plane and are only listed",
				      contract_kind_text(kind));
	if (object->generation != agent->session)
		return outcome_refuse(outcome, CONTRACT_REFUSED_STALE,
				      "generation %u is not that of this session (%u)",
				      object->generation, agent->session);
	if (object->domain >= agent->config.limits.domains)
		return outcome_refuse(outcome, CONTRACT_REFUSED_INVALID,
				      "routing domain %u: there are %u (--max-domains)",
				      object->domain, agent->config.limits.domains);
	if (kind_has_id(kind) && (!object->id || object->id >= capacity))
		return outcome_refuse(outcome, CONTRACT_REFUSED_INVALID,
				      "%s %u: ids go from 1 to %u", contract_kind_text(kind),
				      object->id, capacity - 1);
	if (change_is_going(agent, object))
		return outcome_refuse(outcome, CONTRACT_REFUSED_IN_USE,
				      "%s %u is deleted earlier in this batch",
				      contract_kind_text(kind), object->id);
	return true;
}

static bool change_do(struct agent *agent, const struct contract_header *message,
		      struct contract_object *old, struct outcome *outcome)
{
	const struct contract_object *object = contract_object_of(message);
	const char *name = contract_kind_text((enum contract_kind)object->kind);

	if (message->type == CONTRACT_ADD && old)
		return outcome_refuse(outcome, CONTRACT_REFUSED_EXISTS, "%s %u exists already",
				      name, object->id);
	if (message->type == CONTRACT_SET && !old && object->kind == CONTRACT_SA)
		return outcome_refuse(outcome, CONTRACT_REFUSED_MISSING,
				      "SA %u does not exist; a new SA is added, never set",
				      object->id);
	if (message->type == CONTRACT_ADD || message->type == CONTRACT_SET)
		return change_put(agent, object, old, outcome);
	if (!old)
		return outcome_refuse(outcome, CONTRACT_REFUSED_MISSING, "%s %u does not exist",
				      name, object->id);
	if (message->type == CONTRACT_DELETE)
		return change_delete(agent, old, outcome);
	return kind_confirm(agent, object, outcome);
}

bool change_apply(struct agent *agent, const struct contract_header *message,
		  struct outcome *outcome)
{
	const struct contract_object *object = contract_object_of(message);
	uint32_t noted = agent->journal.count;
	struct contract_object *old;
	bool good;

	if (!change_admissible(agent, object, outcome))
		return false;
	old = kind_find(agent, object);
	good = change_do(agent, message, old, outcome);
	if (agent->journal.count == noted)
		free(old);
	return good;
}

/* Checked when it was noted; what refuses now is a fault of ours. */
static void change_do_late(struct agent *agent, const struct change *change, uint64_t *sequence)
{
	struct contract_sa_final final = { 0 };
	int err = sa_del(agent->config.sas, change->old, &final);

	*sequence = final.sequence;
	if (err)
		log_error("agent", "%s %u does not go: %s",
			  contract_kind_text((enum contract_kind)change->old->kind),
			  change->old->id, sa_reason(agent->config.sas));
}

bool change_commit(struct agent *agent, uint64_t request, bool single)
{
	struct journal *journal = &agent->journal;
	struct waiting waiting = { .request = request };
	bool waits = false;

	for (uint32_t i = 0; i < journal->count; i++) {
		struct change *change = &journal->changes[i];

		if (change->late) {
			bool is_sa = change->old->kind == CONTRACT_SA;

			change_do_late(agent, change, &waiting.sequence);
			waiting.sa = single && is_sa ? change->old->id : 0;
			waits |= is_sa;
		}
		free(change->now);
		free(change->old);
	}
	journal->count = 0;
	journal->late = 0;
	if (waits && request)
		waiting_add(agent, &waiting);
	return waits;
}

void change_undo(struct agent *agent)
{
	struct journal *journal = &agent->journal;
	struct outcome ignored = { 0 };

	while (journal->count) {
		struct change *change = &journal->changes[--journal->count];
		const struct contract_object *any = change->now ? change->now : change->old;

		if (change->late)
			book_refer(&agent->book, change->old, 1);
		else if (!kind_put(agent, change->now, change->old, &ignored))
			log_error("agent", "%s %u cannot be put back: %s",
				  contract_kind_text((enum contract_kind)any->kind), any->id,
				  ignored.reason);
		free(change->now);
		free(change->old);
	}
	journal->late = 0;
}
