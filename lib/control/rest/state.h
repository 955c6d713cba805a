#pragma once
/*
 * What the handlers share.
 */
#include "control/rest/auth.h"
#include "control/rest/error.h"
#include "control/rest/operation.h"
#include "control/rest/rest.h"
#include "control/rest/router.h"

#include "base/list.h"
#include "control/usage/usage.h"

struct rest {
	struct rest_config config;
	char *state_directory;
	const struct config *configured; /* a reference: tokens and limits are in it */
	struct server *server;
	struct auth *auth;
	struct operation_store *operations;
	struct usage *usage;
	struct list streams;   /* of struct event_stream */
	struct list traces;    /* of struct trace_stream */
	struct list questions; /* to metering, of struct waiting */
	uint64_t next_event;
};

static inline struct rest *rest_of(const struct router_call *call)
{
	return call->context;
}

/* Ends the exchange with an error. */
__attribute__((format(printf, 3, 4))) void rest_refuse(struct router_call *call,
						       const struct error_answer *answer,
						       const char *format, ...);
void rest_refuse_memory(struct router_call *call);
/* Ends it with 200 and a body whose text is taken over. */
void rest_answer(struct router_call *call, struct http_reply *reply);
/* Ends it with 200 and this; the JSON is freed. */
struct json_out;
void rest_answer_json(struct router_call *call, struct json_out *out);
/* Adds Azure-AsyncOperation, Location or both, and Retry-After. */
enum rest_follow { REST_ASYNC_OPERATION = 1, REST_LOCATION = 2, REST_BOTH = 3 };
void rest_follow(struct http_reply *reply, const struct router_call *call,
		 const struct operation *operation, enum rest_follow how);
/* One line for who changed what. */
void rest_audit(const struct router_call *call, const char *object, const char *result);

/* The rows of each file of handlers. */
struct rest_rows {
	const struct router_row *rows;
	size_t count;
	enum { REST_OF_AZURE, REST_OWN, REST_NOT_BUILT } of;
};
extern const struct rest_rows rest_resource_rows;
extern const struct rest_rows rest_action_rows;
extern const struct rest_rows rest_bgp_rows;
extern const struct rest_rows rest_own_rows;
extern const struct rest_rows rest_circuit_rows;
extern const struct rest_rows rest_revision_rows;
extern const struct rest_rows rest_device_rows;
extern const struct rest_rows rest_group_rows;
extern const struct rest_rows rest_part_rows;
extern const struct rest_rows rest_other_rows;
extern const struct rest_rows rest_later_rows;
extern const struct rest_rows rest_capture_rows;
extern const struct rest_rows rest_usage_rows;
extern const struct rest_rows rest_metering_rows;
/* Nobody waits for answers of metering any more. */
void rest_metering_end(struct rest *rest);
/* The private circuits; `peer` without an address when a circuit has no session. */
typedef void (*rest_circuit_visit)(void *context, const struct config_port *port, bool up,
				   const struct bgp_peer *peer);
void rest_circuits_each(struct rest *rest, rest_circuit_visit visit, void *context);
/* Ends the traces that clients still follow. */
void rest_traces_end(struct rest *rest);
/* All of them, in the order in which they are tried. */
extern const struct rest_rows *const rest_all_rows[];
extern const size_t rest_all_count;

/* The id of a resource of this kind by the call's path: "/subscriptions/.../name". */
void rest_resource_id(const struct router_call *call, enum config_kind kind, const char *name,
		      char *id, size_t size);
/* The same as the key that it has in a configuration. */
void rest_resource_key(const struct router_call *call, enum config_kind kind, const char *name,
		       char *key, size_t size);
/* The running resource, or the exchange was ended with 404. */
const struct config_resource *rest_find(struct router_call *call, enum config_kind kind,
					const char *name);
/* Its provisioningState. */
const char *rest_state_of(struct rest *rest, const struct config_resource *resource);
/* Resources of a kind, a page at a time, as Azure's lists are. */
struct rest_list {
	enum config_kind kind;
	bool (*has)(const struct config_resource *resource, const void *context);
	const void *context;
	void (*print)(struct rest *rest, const struct config_resource *resource, const char *state,
		      struct json_out *out);
};
void rest_list_answer(struct router_call *call, const struct rest_list *list);
/* ?confirm=SECONDS, 0: none; false: it is wrong, and the exchange was ended. */
bool rest_confirm_of(struct router_call *call, uint32_t *seconds);
bool rest_is_dry_run(const struct router_call *call);
/* Findings that are no errors, as Warning headers. */
void rest_warnings_add(struct http_reply *reply, const struct config_report *report);
struct cJSON;
/* Everything that the resource says, secrets too, to be put again; config_json_free(). NULL: none.
 */
struct cJSON *rest_resource_whole(const struct config_resource *resource,
				  struct config_report *report);
/* The body as JSON: -EINVAL with the reason in the report, -ENOMEM. */
__attribute__((warn_unused_result)) int rest_body_parse(const struct router_call *call,
							struct cJSON **json,
							struct config_report *report);
/* Puts what the JSON says under this name and ends the exchange. */
void rest_resource_put(struct router_call *call, enum config_kind kind, const char *name,
		       const struct cJSON *json);
/* The same for an operation on a part of it, which has an answer of its own. */
struct rest_put_answer {
	int status;
	const char *body;   /* NULL: none */
	const char *result; /* of Location when it is done, or NULL */
	enum rest_follow follow;
	const char *below; /* where the client's body stands in the JSON, for errors; or NULL */
	const char *as;	   /* what that is in the body; NULL: all of it */
	/* The body, of the resource as it will be; NULL: what `body` says. */
	void (*write)(struct router_call *call, const struct config_resource *now,
		      const void *context, struct text *body);
	const void *context;
};
void rest_resource_put_as(struct router_call *call, const struct config_resource *resource,
			  const struct cJSON *json, const struct rest_put_answer *answer);
/*
 * 202 with an operation that is done already: `body` is the answer at Location, NULL: none. What
 * takes time starts an operation itself (operation.h) and ends it when it is done.
 */
void rest_answer_operation(struct router_call *call, const char *body);
/* Usage of all gateways against their limits: GET /usage, and a member of GET /status. */
struct json_out;
void rest_usage_list(struct router_call *call);
uint32_t rest_usage_connections(const struct config *config, const struct config_gateway *gateway);
/* A second's bits, as the limit of its SKU counts them. */
uint64_t rest_usage_bits(struct rest *rest, const struct config_gateway *gateway);
void rest_usage_print(struct rest *rest, const char *member, struct json_out *out);
/* Prints a resource's body with its live state. */
void rest_print(struct rest *rest, const struct config_resource *resource, const char *state,
		struct json_out *out);
/* A connection as {gateway}/connections lists it: Azure's ListEntity, with less in it. */
void rest_print_entity(struct rest *rest, const struct config_resource *resource, const char *state,
		       struct json_out *out);
