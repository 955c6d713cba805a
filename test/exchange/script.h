#pragma once
/*
 * DOC: an exchange as a script
 *
 * Two peers are up with one child ("old"); a script says, word by word, what either does and which
 * datagram arrives when. So a collision of two exchanges is one line that reads like the diagram
 * that it comes from.
 *
 *   a:rekey  a:delete         a rekeys, deletes the old child
 *   a:soft  a:hard            the old child reaches its limit
 *   a:lose                    a forgets the old child without a word
 *   a:bogus                   a sends a Delete of the old child that it should not send
 *   a:delete-new              a deletes the newest child
 *   a:delete-kept             a deletes the one that a rekey left
 *   a:ike  a:close            a rekeys, deletes the old IKE SA
 *   a:probe                   is b there?
 *   a:limit                   a takes the policy of the case (for IKE SAs it does so only here)
 *   a*                        what the slow peer a was asked for (DH, install) is answered
 *   a?WORD                    the last message that a sent says WORD
 *   a#N                       a has N children installed
 *   a~N                       a has N IKE SAs
 *   a-                        a has nothing on the wire
 *   >  <                      the next datagram of a to b, of b to a, arrives
 *   >!                        it is lost
 *   >1                        it is held back
 *   +1                        which was held back arrives
 *   ..                        everything arrives
 *   w:N                       N seconds pass
 *   dead                      nothing arrives any more
 *
 * b's words are the same.
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

/* All of them; the result of main(). */
int script_main(const char *group, const struct script_case *cases, size_t count);
