/* What a device may know of memory: guest-physical copies, and one channel of a DMA controller. */
#ifndef BASE_DMA_H
#define BASE_DMA_H

#include "base/types.h"

struct physmem {
	void (*read)(void *opaque, gpa_t a, void *buf, uint32_t len);
	void (*write)(void *opaque, gpa_t a, const void *buf, uint32_t len);
	void *opaque;
};

/* A peripheral's DREQ/DACK pair. */
struct dma_channel {
	/*
	 * Moves up to `len` bytes between `buf` and memory as the channel is programmed; returns the
	 * bytes moved (0 when masked or in another direction), *tc true when terminal count came.
	 */
	uint32_t (*transfer)(void *opaque, unsigned channel, void *buf, uint32_t len,
			     bool to_memory, bool *tc);
	void *opaque;
	unsigned channel;
};

#endif
