/*
 * What strongSwan's own tests try with the rekeying of a child (30 cases; README.md has the table),
 * as scripts of ours. Where theirs has several key exchanges (IKE_FOLLOWUP_KE), the same messages
 * cross here while a peer is slow with its DH: the exchange takes as long, in one round trip.
 */
#include "exchange/script.h"

#define LIVES .children = 1, .established = 1, .rekeyed = 1, .down = 0, .ike_rekeyed = 0
#define CHILD_GONE .children = 0, .established = 1, .down = 1, .ike_rekeyed = 0, .gap = true
#define OTHER_GROUPS                                                                               \
	.a_offer = "aes256gcm16-modp2048-ecp384-esn", .a_accept = "aes256gcm16-ecp384-esn",        \
	.b_offer = "aes256gcm16-ecp521-ecp384-esn", .b_accept = "aes256gcm16-ecp384-esn"
#define B_OTHER_GROUP .b_offer = "aes256gcm16-ecp384-esn", .b_accept = "aes256gcm16-ecp384-esn"

static const struct script_case cases[] = {
	{ "regular", "a:rekey > a#1 b#2 < a#2 a?INFORMATIONAL > < a- b- a#2 b#2 w:6 a#1 b#1",
	  LIVES },
	{ "regular_slow", "a:rekey a* > b* b#2 < a* a#2 > < w:6 a#1 b#1", LIVES, .slow_a = true,
	  .slow_b = true },
	{ "regular_ke_invalid",
	  "a:rekey > b?N(INVALID_KE_PAYLOAD) b#1 < a?CREATE_CHILD_SA > b#2 < a#2 > <", LIVES,
	  B_OTHER_GROUP },
	{ "regular_ke_invalid_slow",
	  "a:rekey a* > b?N(INVALID_KE_PAYLOAD) < a* > b* b#2 < a* a#2 > <", LIVES, B_OTHER_GROUP,
	  .slow_a = true, .slow_b = true },
	{ "regular_responder_wants_no_group", "a:rekey > b#2 < a#2 a?INFORMATIONAL > <", LIVES,
	  .a_offer = "aes256gcm16-ecp384-nopfs-esn", .a_accept = "aes256gcm16-ecp384-nopfs-esn",
	  .b_offer = "aes256gcm16-nopfs-esn", .b_accept = "aes256gcm16-nopfs-esn" },
	{ "regular_responder_ignores_soft_limit", "a:rekey > < b:soft b- b#2 > <", LIVES },
	{ "regular_soft_limits_of_both_directions", "a:soft a:soft > a:soft < a:soft ..", LIVES },
	{ "regular_responder_hard_limit", "a:rekey > < b:hard b#1 ..", LIVES },
	{ "regular_responder_deletes_the_new_one", "a:rekey > < b:delete-new ..", CHILD_GONE,
	  .rekeyed = 1 },
	{ "regular_responder_lost_it",
	  "a:rekey b:lose > b?N(CHILD_SA_NOT_FOUND) < a?CREATE_CHILD_SA > < .. a#1 b#1",
	  .children = 1, .established = 1, .rekeyed = 0, .down = 1, .gap = true },
	{ "regular_responder_deletes_too_early", "a:rekey > <1 b:bogus < a?D +1 a#1 > ..",
	  .children = 1, .established = 1, .rekeyed = -1, .down = -1, .ike_rekeyed = 0,
	  .gap = true },
	{ "regular_delete_is_never_answered", "a:rekey > < dead w:400", .children = 0,
	  .established = 0, .rekeyed = 1, .down = 1, .gap = true },

	{ "collision", "a:rekey b:rekey > < b#2 a#2 < > ..", LIVES, .rounds = 4, .contest = true },
	{ "collision_slow", "a:rekey a* b:rekey b* > b* b#2 < a* a#2 < a* > b* ..", LIVES,
	  .rounds = 4, .contest = true, .slow_a = true, .slow_b = true },
	{ "collision_one_is_slow", "a:rekey b:rekey b* > b* < < > b* ..", LIVES, .rounds = 4,
	  .contest = true, .slow_b = true },
	{ "collision_delayed_response", "a:rekey b:rekey > < <1 > b?INFORMATIONAL < > +1 > < ..",
	  LIVES, .rounds = 4, .contest = true },
	{ "collision_delayed_response_delete",
	  "a:rekey b:rekey > < <1 > < > b:delete-kept < > +1 ..", CHILD_GONE, .rekeyed = -1,
	  .rounds = 4 },
	{ "collision_delayed_response_slow", "a:rekey a* b:rekey b* > b* < a* <1 > b* < > +1 a* ..",
	  LIVES, .rounds = 4, .contest = true, .slow_a = true, .slow_b = true },
	{ "collision_delayed_request",
	  "a:rekey >1 b:rekey < a#2 > +1 b?N(TEMPORARY_FAILURE) < > < ..", LIVES, .rounds = 3 },
	{ "collision_delayed_request_refused_first",
	  "a:rekey >1 b:rekey < a#2 > <2 +1 b?N(TEMPORARY_FAILURE) < +2 > ..", LIVES, .rounds = 3 },
	{ "collision_delayed_request_more",
	  "a:rekey >1 b:rekey < > < > +1 b?N(CHILD_SA_NOT_FOUND) < ..", LIVES, .rounds = 3 },
	{ "collision_delayed_request_more_delete",
	  "a:rekey >1 b:rekey < > < > b:delete-kept < > +1 b?N(CHILD_SA_NOT_FOUND) < ..",
	  CHILD_GONE, .rekeyed = 1, .rounds = 3 },
	{ "collision_delayed_request_slow",
	  "a:rekey a* >1 b:rekey b* < a* a#2 > b* +1 b?N(TEMPORARY_FAILURE) < > < ..", LIVES,
	  .rounds = 3, .slow_a = true, .slow_b = true },
	{ "collision_delayed_request_while_slow", "a:rekey a* >1 b:rekey b* < a* a#2 > +1 b* ..",
	  LIVES, .rounds = 3, .slow_a = true, .slow_b = true },
	{ "collision_ke_invalid",
	  "a:rekey b:rekey > b?N(INVALID_KE_PAYLOAD) < a?N(INVALID_KE_PAYLOAD) < > > < < > ..",
	  LIVES, .rounds = 4, .contest = true, OTHER_GROUPS },
	{ "collision_ke_invalid_delayed_retry",
	  "a:rekey b:rekey > < > < a?CREATE_CHILD_SA >1 < a#2 > +1 b?N(TEMPORARY_FAILURE) ..",
	  LIVES, .rounds = 3, OTHER_GROUPS },
	{ "collision_responder_deletes_too_early", "a:rekey b:rekey > < <1 > < > b:bogus < +1 ..",
	  .children = 1, .established = 1, .rekeyed = -1, .down = -1, .ike_rekeyed = 0, .rounds = 4,
	  .gap = true },

	{ "delete_against_rekey",
	  "a:rekey b:delete > b?N(TEMPORARY_FAILURE) < a?INFORMATIONAL < > ..", CHILD_GONE,
	  .rekeyed = 0 },
	{ "delete_against_rekey_slow",
	  "a:rekey a* b:delete > b?N(TEMPORARY_FAILURE) < a?INFORMATIONAL < > ..", CHILD_GONE,
	  .rekeyed = 0, .slow_a = true, .slow_b = true },
	{ "delete_against_rekey_delayed_delete",
	  "a:rekey b:delete <1 > b?N(TEMPORARY_FAILURE) < +1 > w:60 ..", CHILD_GONE, .rekeyed = 0 },
	{ "delete_against_rekey_delayed_rekey",
	  "a:rekey >1 b:delete < > +1 b?N(CHILD_SA_NOT_FOUND) < ..", CHILD_GONE, .rekeyed = 0 },
	{ "delete_of_the_new_one_before_its_answer", "a:rekey > <1 b:delete-new < > +1 ..",
	  CHILD_GONE, .rekeyed = -1 },

	{ "ike_rekey_against_child_rekey",
	  "a:rekey b:ike > b?N(TEMPORARY_FAILURE) < a?N(TEMPORARY_FAILURE) < > w:120",
	  .children = 1, .established = 1, .rekeyed = 1, .down = 0, .ike_rekeyed = 1 },
	{ "ike_delete_against_child_rekey",
	  "a:rekey b:close > b?N(TEMPORARY_FAILURE) < a?INFORMATIONAL ..", .children = 0,
	  .established = 0, .rekeyed = 0, .down = 1, .gap = true },
};

int main(void)
{
	return script_main("collisions_child", cases, sizeof(cases) / sizeof(cases[0]));
}
