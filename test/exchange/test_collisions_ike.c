/*
 * What strongSwan's own tests try with the rekeying of an IKE SA (18 cases; README.md has the
 * table), as scripts of ours; slow as in test_collisions_child.c.
 */
#include "exchange/script.h"

#define LIVES .children = 1, .established = 1, .rekeyed = 0, .down = 0, .ike_rekeyed = 1
#define CLOSED .children = 0, .established = 0, .down = 1, .ike_rekeyed = 0, .gap = true
/* For the IKE SA itself only from `limit` on: it is up with another group. */
#define OTHER_GROUPS                                                                               \
	.a_offer = "aes256gcm16-prfsha384-modp2048-ecp384",                                        \
	.a_accept = "aes256gcm16-prfsha384-ecp384",                                                \
	.b_offer = "aes256gcm16-prfsha384-ecp521-ecp384",                                          \
	.b_accept = "aes256gcm16-prfsha384-ecp384"
#define A_OTHER_GROUP                                                                              \
	.a_offer = "aes256gcm16-prfsha384-modp2048-ecp384",                                        \
	.a_accept = "aes256gcm16-prfsha384-ecp384", .b_offer = "aes256gcm16-prfsha384-ecp384",     \
	.b_accept = "aes256gcm16-prfsha384-ecp384"
#define SLOW .slow_a = true, .slow_b = true

static const struct script_case cases[] = {
	{ "regular", "a:ike > a~1 b~2 < a~2 a?INFORMATIONAL > b~1 < a~1", LIVES },
	{ "regular_slow", "a:ike a* > b* b~2 < a* a~2 > < a~1 b~1", LIVES, SLOW },
	{ "regular_ke_invalid",
	  "a:limit b:limit a:ike > b?N(INVALID_KE_PAYLOAD) b~1 < a?CREATE_CHILD_SA > b~2 < > <",
	  LIVES, A_OTHER_GROUP },
	{ "regular_ke_invalid_slow",
	  "a:limit b:limit a:ike a* > b?N(INVALID_KE_PAYLOAD) < a* > b* b~2 < a* > <", LIVES,
	  A_OTHER_GROUP, SLOW },

	{ "collision", "a:ike b:ike > < b~2 a~2 < > a~3 b~3 ..", LIVES, .rounds = 4,
	  .contest = true },
	{ "collision_slow", "a:ike a* b:ike b* > b* < a* < a* > b* ..", LIVES, .rounds = 4,
	  .contest = true, SLOW },
	{ "collision_one_is_slow", "a:ike b:ike b* > b* < < > b* ..", LIVES, .rounds = 4,
	  .contest = true, .slow_b = true },
	{ "collision_ke_invalid",
	  "a:limit b:limit a:ike b:ike > b?N(INVALID_KE_PAYLOAD) < a?N(INVALID_KE_PAYLOAD) < > > "
	  "< < > ..",
	  LIVES, .rounds = 4, .contest = true, OTHER_GROUPS },
	{ "collision_ke_invalid_delayed_retry",
	  "a:limit b:limit a:ike b:ike > < > < a?CREATE_CHILD_SA >1 < a~2 > +1 "
	  "b?N(TEMPORARY_FAILURE) ..",
	  LIVES, .rounds = 3, OTHER_GROUPS },
	{ "collision_delayed_response", "a:ike b:ike > < <1 > b~3 < > +1 ..", LIVES, .rounds = 4 },
	{ "collision_delayed_response_slow", "a:ike a* b:ike b* > b* < a* <1 > b* < > +1 w:9",
	  LIVES, .rounds = 4, SLOW },
	{ "collision_dropped_request", "a:ike >! b:ike < > < ..", LIVES, .rounds = 3 },
	{ "collision_delayed_request", "a:ike >1 b:ike < a~2 > +1 b?N(TEMPORARY_FAILURE) < > <",
	  LIVES, .rounds = 3 },
	{ "collision_delayed_request_and_delete",
	  "a:ike >1 b:ike < a~2 > <2 +1 b?N(TEMPORARY_FAILURE) < +2 ..", LIVES, .rounds = 3 },
	{ "collision_delayed_request_slow",
	  "a:ike a* >1 b:ike b* < a* > b* +1 b?N(TEMPORARY_FAILURE) < > <", LIVES, .rounds = 3,
	  SLOW },
	{ "collision_delayed_request_while_slow", "a:ike a* >1 b:ike b* < a* > +1 b* w:9", LIVES,
	  .rounds = 3, SLOW },

	{ "delete_against_rekey", "a:ike b:close > b?N(TEMPORARY_FAILURE) < a~0 > b~0 ..", CLOSED },
	{ "delete_against_rekey_slow", "a:ike a* b:close > b?N(TEMPORARY_FAILURE) < a~0 > ..",
	  CLOSED, SLOW },
	{ "delete_against_rekey_delayed_delete",
	  "a:ike b:close <1 > b?N(TEMPORARY_FAILURE) < a~1 +1 a~0 ..", CLOSED },
};

int main(void)
{
	return script_main("collisions_ike", cases, sizeof(cases) / sizeof(cases[0]));
}
