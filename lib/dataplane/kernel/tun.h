#pragma once
/*
 * One TAP or TUN interface of the kernel, made or found again, in the namespace of the caller.
 */
#include "dataplane/kernel/mirror.h"

/* Makes the interface right in every respect, or says what stood in the way. */
__attribute__((warn_unused_result)) int tun_open(struct mirror *mirror,
						 const struct mirror_options *options,
						 struct mirror_fault *fault);
void tun_close(struct mirror *mirror);
/* Undoes what tun_open() made: an interface that was there before stays. */
void tun_undo(struct mirror *mirror);
/* With or without a carrier, as the port has a link or not. */
void tun_carrier(const struct mirror *mirror, bool up);
