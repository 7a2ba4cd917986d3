; The demonstration guest: a small 32-bit system of our own, as an image that boots from a diskette
; or a hard disk. README.md beside this file says what it shows and how to extend it.
; Follows: Intel SDM vol 3, chapters 2-7 (system registers, paging, protection, interrupts, tasks).
;
; nasm -f bin [-DIMAGE_SIZE=1474560] demo.asm: the image is IMAGE_SIZE bytes long, the system
; itself fits in the first 64 KiB.
;
; NOT IMPLEMENTED, because nothing here would show it: a file system, more than two programs,
; floating point in programs, a task gate for double faults.

%ifndef IMAGE_SIZE
%define IMAGE_SIZE 65536
%endif

%include "demo.inc"

; The parts of the image, in file order, and where each believes to be.
section boot start=0 vstart=BOOT_ADDRESS
section kernel follows=boot vstart=KERNEL align=512
section kdata follows=kernel vfollows=kernel align=16 valign=16
section checks follows=kdata vfollows=kdata align=16 valign=16 ; pointers to the names of the checks
section texts follows=checks vfollows=checks align=16 valign=16
section ring1 follows=texts vstart=0 align=16		; the base of its segment is its first byte
section ring2 follows=ring1 vstart=0 align=16
section prog_a follows=ring2 vstart=PROGRAM align=16
section prog_b follows=prog_a vstart=PROGRAM align=16
%assign TAIL IMAGE_SIZE - 512
section tail start=TAIL vstart=0
section bss nobits vstart=BSS

%include "boot.asm"
%include "kernel.asm"
%include "memory.asm"
%include "traps.asm"
%include "refusals.asm"
%include "threads.asm"
%include "calls.asm"
%include "format.asm"
%include "screen.asm"
%include "rings.asm"
%include "user.inc"
%include "program_a.asm"
%include "program_b.asm"
%include "balloon.asm"
%include "finale.asm"

%if next_check > CHECKS_MAX
%error "more checks than `verdicts` and the screen have room for"
%endif
section checks
CHECKS		equ ($ - check_names) / 4

section tail
	times 512 db 0

section bss
	resb BSS_SIZE - ($ - $$)	; assembles only if all of it fits
