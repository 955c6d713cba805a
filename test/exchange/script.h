#pragma once
/*
 * DOC: an exchange as a script
 *
 * Two peers are up with one child ("old"); a script says, word by word, what either does and which
 * datagram arrives when. So a collision of two exchanges is one line that reads like the diagram
 * that it comes from.
 *
 *   a:VERB  rekey, delete, soft, hard (its limits), lose (silently), bogus (a Delete that it should
 * not send): the old child; delete-new: the newest, delete-kept: the one that a rekey left; ike
 * (rekey), close (delete): the old IKE SA; probe; limit: a takes the policy of the case, later >  <
 * the next datagram of a to b, of b to a, arrives; >! is lost; >1 is held back, +1 lets it arrive
 *   a*      what the slow peer a was asked for (DH, install) is answered
 *   a?WORD  the last message that a sent says WORD          a#N  a has N children installed     a~N
 * a has N IKE SAs a-      a has nothing on the wire                        ..   everything arrives
 *   w:N     N seconds pass                                   dead nothing arrives any more
 *
 * Each script runs with the line of IKE SAs begun by a and by b, and once for each of `rounds`: in
 * round N the N-th nonce is the lowest of the four (a's request, b's request, b's answer, a's
 * answer), so that it is known which exchange loses.
 */
#include "exchange/world.h"

struct script_case {
	const char *name;
	const char *text;
	uint8_t rounds;	 /* 0: one, with nonces as they come */
	int children;	 /* at the end, on each side */
	int established; /* IKE SAs at the end, on each side */
	int rekeyed;	 /* CHILD_REKEYED told at each side, -1: whatever */
	int down;	 /* CHILD_DOWN told at each side, -1: whatever */
	int ike_rekeyed; /* REKEYED told at each side, -1: whatever */
	bool contest;	 /* of two exchanges the one with the lowest nonce goes */
	bool gap;	 /* what is sent need not be taken at every step */
	bool slow_a;
	bool slow_b;
	/* Proposals ("aes256gcm16-ecp384") that a peer offers and takes; NULL: the strong profile.
	 */
	const char *a_offer, *a_accept, *b_offer, *b_accept;
};

/* As cmocka's test: *state is the case. */
void script_test(void **state);
/* All of them; the result of main(). */
int script_main(const char *group, const struct script_case *cases, size_t count);
