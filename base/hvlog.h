/*
 * Why the hypervisor was entered and what it decided: one fixed-size record per
 * entry, in an always-on ring, and counters per cause, verdict and ring. Only
 * slow paths write here. Consumers read the ring; one that must not miss a record
 * is handed what is new each time that half of the ring has filled.
 */
#ifndef BASE_HVLOG_H
#define BASE_HVLOG_H

#include "base/types.h"

enum hv_cause {
	HV_EXCEPTION,
	HV_HW_INTERRUPT,
	HV_SW_INTERRUPT,
	HV_PRIVILEGED,
	HV_PORT_IO,
	HV_MMIO,
	HV_SHADOW_FAULT,
	HV_TABLE_WRITE,
	HV_INVLPG,
	HV_CR_WRITE,
	HV_HLT,
	HV_WORLD_SWITCH,
	HV_DEMAND_PAGE,
	HV_SWAP,
	HV_SHARE_BREAK,
	HV_NESTED_FAULT, /* an entry of the host's table was missing: EPT violation */
	HV_SENSITIVE,    /* caught: an instruction that is not privileged and shows the machine */
	HV_CAUSES
};

enum hv_verdict {
	HV_REFLECTED, /* handed to the guest as its own fault */
	HV_EMULATED,
	HV_INJECTED,
	HV_FILLED,    /* hidden fault: the shadow was completed */
	HV_RESYNCED,
	HV_ZAPPED,
	HV_SWAPPED,
	HV_COPIED,
	HV_DENIED,
	HV_VERDICTS
};

struct hv_record {
	uint64_t icount; /* instructions executed when it happened */
	uint32_t eip;
	uint16_t cs;
	uint8_t cpl, guest;
	uint32_t address, error;
	uint8_t cause, verdict, vector, reserved;
};

#define HV_RING 4096u /* records kept; a power of two */

struct hv_log {
	/* Who is running; the cpu keeps these true whenever it leaves the fast path. clock.now may lag behind icount. */
	uint64_t icount;
	uint32_t eip;
	uint16_t cs;
	uint8_t cpl, guest;

	uint64_t count[HV_CAUSES][HV_VERDICTS][4]; /* by the ring it came from */
	uint64_t head;                             /* records ever written */
	uint64_t drained;                          /* of those, handed to the consumer */
	/* Takes `n` records in the order of their writing, borrowed for the call. NULL: nobody collects. */
	void (*drain)(void *opaque, const struct hv_record *r, unsigned n);
	void *drain_opaque;
	struct hv_record ring[HV_RING];
};

extern const char *const hv_cause_names[HV_CAUSES];
extern const char *const hv_verdict_names[HV_VERDICTS];

/*
 * From now on every record goes to `drain` exactly once (NULL: to nobody any more; what is left goes out
 * first). Records from before go too while the ring still has them all.
 */
void hv_set_drain(struct hv_log *l, void (*drain)(void *opaque, const struct hv_record *r, unsigned n),
		  void *opaque);
/* Hands over what is new. */
void hv_drain(struct hv_log *l);

static inline void hv_note(struct hv_log *l, enum hv_cause cause, enum hv_verdict verdict,
			   uint8_t vector, uint32_t address, uint32_t error)
{
	struct hv_record *r = &l->ring[l->head++ % HV_RING];

	l->count[cause][verdict][l->cpl & 3]++;
	/*
	 * Field by field: a compiler would clear a record first, and a copy in one piece waits for the small stores that
	 * have just made the log true.
	 */
	r->icount = l->icount;
	r->eip = l->eip;
	r->cs = l->cs;
	r->cpl = l->cpl;
	r->guest = l->guest;
	r->address = address;
	r->error = error;
	r->cause = (uint8_t)cause;
	r->verdict = (uint8_t)verdict;
	r->vector = vector;
	r->reserved = 0;
	if (!(l->head % (HV_RING / 2)) && l->drain)
		hv_drain(l);
}

#endif
