#include "spis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPACE ((size_t)SA_SLOT_BYTES << CONTRACT_SPI_ID_BITS)
#define ID 2 /* in the store */

static struct sa_hot everywhere;

void spis_init(struct bed *bed)
{
	everywhere = *sa_hot(bed->sas);
	everywhere.sas = 1u << CONTRACT_SPI_ID_BITS;
	everywhere.slots = mmap(NULL, SPACE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (everywhere.slots == MAP_FAILED) {
		perror("spis");
		exit(1);
	}
	path_free(bed->path);
	bed->shared.config.sas = &everywhere;
	if (path_new(&bed->path, &bed->shared, 0, SOCKET_ID_ANY))
		exit(1);
}

void spis_fini(void)
{
	munmap(everywhere.slots, SPACE);
}

struct sa_slot *spis_add(struct bed *bed, const struct contract_sa *sa)
{
	struct sa_slot *slot = sa_slot(&everywhere, sa->spi & CONTRACT_SPI_ID_MASK);
	struct contract_sa stored = *sa;

	stored.spi = contract_spi(1, ID);
	if (bed_put(bed, CONTRACT_SA, ID, &stored, sizeof(stored)))
		return NULL;
	memcpy(slot, sa_slot(sa_hot(bed->sas), ID), SA_SLOT_BYTES);
	slot->in.spi = sa->spi;
	return slot;
}

void spis_del(struct bed *bed, struct sa_slot *slot)
{
	struct contract_object gone = { .kind = CONTRACT_SA, .id = ID };

	slot->in.spi = 0;
	if (sa_del(bed->sas, &gone, NULL))
		abort();
}
