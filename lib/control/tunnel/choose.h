#pragma once
/*
 * DOC: who gets flows
 *
 * The fittest members of a group share its flows. When none is fit, flows stay where they were
 * last: two tunnels whose peer does not answer tell nothing of which is better, but one that was
 * left long ago is worse than one that carried until now. A member whose own path is dead is taken
 * only when all are. Pure.
 */
#include "contract/object.h"

enum fitness {
	FITNESS_DEAD,	  /* nothing leaves at its local address */
	FITNESS_DOUBTFUL, /* no SA, or the peer or BFD does not answer */
	FITNESS_LEAVING,  /* it carries, but flows are to leave it (drain.c) */
	FITNESS_FIT,
};

/* Sets the weights of `members`; *last: a bit for each that had flows, kept by the caller. */
void choose_weights(struct contract_member *members, const uint8_t *fitness, uint32_t count,
		    uint64_t *last);
