#pragma once
/*
 * DOC: desired state of the data plane
 *
 * Everything that control wants the data plane to hold but SAs, whose keys enter it once. Modules
 * set and delete objects here and never think of attaches: what is wanted is sent when it changes
 * and sent again, in order of dependency, whenever the data plane is attached anew.
 *
 * Ids belong to names. A name (at most 256 bytes, it travels as the opaque part) is what a later
 * control recognises: at the first attach the named objects of the data plane are read, and
 * desired_id() gives a name the id that it already has there. That is how tunnels keep their SAs
 * over a restart of control.
 */
#include "control/requests/requests.h"

struct desired;

struct desired_hooks {
	void *context;
	/* The data plane is attached and its names are known: set what is wanted. Called at each
	 * attach, after all that was already wanted has been sent again. */
	void (*ready)(void *context, bool same_instance);
	void (*lost)(void *context);
	void (*event)(void *context, const struct contract_header *message);
	/* The data plane refused an object: this is a fault to show, not to retry. */
	void (*refused)(void *context, enum contract_kind kind, uint32_t id, const char *reason);
	/* Before `lost`: the data plane's counters can be read a last time. May be NULL. */
	void (*losing)(void *context);
};

__attribute__((warn_unused_result)) int desired_new(struct desired **desired,
						    struct event_loop *loop, const char *path,
						    const struct desired_hooks *hooks);
void desired_free(struct desired *desired);
struct requests *desired_requests(struct desired *desired);

/* The id of a name; -ENOTCONN before the first attach, -ENOSPC when the kind's ids are used up. */
__attribute__((warn_unused_result)) int desired_id(struct desired *desired, enum contract_kind kind,
						   const char *name, uint32_t *id);
/* An id without a name (SAs), not below `from`. */
/* -ENOENT: no object has this name. */
__attribute__((warn_unused_result)) int desired_id_known(const struct desired *desired,
							 enum contract_kind kind, const char *name,
							 uint32_t *id);
__attribute__((warn_unused_result)) int desired_id_unnamed(struct desired *desired,
							   enum contract_kind kind, uint32_t *id);
/* Keeps an adopted SA's id from being given away. */
__attribute__((warn_unused_result)) int desired_id_claim(struct desired *desired,
							 enum contract_kind kind, uint32_t id);
void desired_id_put(struct desired *desired, enum contract_kind kind, uint32_t id);

/* `type` is ignored. An unchanged object is not sent again. Named kinds carry their name. */
__attribute__((warn_unused_result)) int desired_set(struct desired *desired,
						    const struct requests_message *message);
/* Kind and id, or kind, domain and body of what is keyed by value. */
void desired_delete(struct desired *desired, const struct requests_message *message);
size_t desired_count(const struct desired *desired, enum contract_kind kind);
