/* Units of address and time used everywhere. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gva_t; /* guest linear address, after segmentation */
typedef uint64_t gpa_t; /* guest physical address, after the A20 gate */
typedef uint32_t gfn_t; /* guest frame number, gpa >> 12 */
typedef uint32_t mfn_t; /* machine frame number: a frame of the process's pool */
typedef uint64_t ns_t;  /* guest nanoseconds since power-on */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_MASK 0xfffu /* offset bits within a page */

#define NS_PER_SECOND 1000000000ull
#define NS_NEVER UINT64_MAX

#endif
