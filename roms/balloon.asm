; The driver of the host's balloon: memory that the kernel has no use for goes back to the host, as much as
; it wishes. Where there is no balloon, as in any PC but Umbra86's, the driver sees that and rests.
; Follows: devices/balloon.h.

section kernel

BALLOON		equ 0xba00		; dwords: who is there,
BALLOON_WANTED	equ BALLOON + 4		; the host's wish in pages,
BALLOON_HELD	equ BALLOON + 8		; how many there are,
BALLOON_GIVE	equ BALLOON + 12	; a page goes in; read: was that refused?
BALLOON_TAKE	equ BALLOON + 16	; and comes out
SPARE		equ 0x200		; from this page on memory is nobody's
AT_ONCE		equ 512			; pages from one tick to the next

balloon_init:
	mov	dx, BALLOON
	in	eax, dx
	cmp	eax, 'BALL'
	jne	.none
	inc	dword [balloon_here]
	mov	ah, 0x34		; CMOS: units of 64 KiB above 16 MiB
	call	cmos_word
	shl	eax, 4
	lea	ecx, [eax + 0x1000]
	test	eax, eax
	jnz	.end
	mov	ah, 0x30		; or of 1 KiB above 1 MiB
	call	cmos_word
	shr	eax, 2
	lea	ecx, [eax + 0x100]
.end:
	sub	ecx, SPARE
	jbe	.none
	mov	[spare_pages], ecx
.none:
	ret

; EAX = the word at AH and AH + 1.
cmos_word:
	mov	al, ah
	inc	al
	out	0x70, al
	in	al, 0x71
	mov	dl, al
	mov	al, ah
	out	0x70, al
	in	al, 0x71
	mov	ah, dl
	movzx	eax, ax
	ret

; Called once a tick, interrupts off: comes nearer to the host's wish.
balloon_poll:
	cmp	dword [balloon_here], 0
	je	.done
	mov	dx, BALLOON_WANTED
	in	eax, dx
	mov	ecx, eax
	cmp	ecx, [spare_pages]
	jbe	.possible
	mov	ecx, [spare_pages]
.possible:
	mov	ebx, [spare_given]
	cmp	ebx, ecx
	je	.done
	mov	esi, AT_ONCE
.next:
	cmp	ebx, ecx
	je	.there
	jb	.give
	dec	ebx
	lea	eax, [ebx + SPARE]
	mov	dx, BALLOON_TAKE
	out	dx, eax
	jmp	.moved
.give:
	lea	eax, [ebx + SPARE]
	mov	dx, BALLOON_GIVE
	out	dx, eax
	in	eax, dx
	test	eax, eax
	jnz	.there			; refused: that was all
	inc	ebx
.moved:
	dec	esi
	jnz	.next
	cmp	ebx, ecx
	je	.there
	mov	[spare_given], ebx
.done:
	ret
.there:
	mov	[spare_given], ebx
	FORMAT	"%t  -   0   balloon: %d pages are the host's", [story], ebx
	mov	ah, COLOR_CALL
	call	log
	jmp	serial_line

; What a page is like that was in the balloon. Where there is none it is as it was.
balloon_checks:
	call	frame_new
	mov	dword [eax], CANARY
	mov	dword [balloon_expected], CANARY
	cmp	dword [balloon_here], 0
	je	.read
	mov	dword [balloon_expected], 0
	push	eax
	shr	eax, 12
	mov	ecx, eax
	mov	dx, BALLOON_HELD
	in	eax, dx
	mov	ebx, eax
	mov	dx, BALLOON_GIVE
	mov	eax, ecx
	out	dx, eax
	mov	dx, BALLOON_HELD
	in	eax, dx
	sub	eax, ebx
	mov	[balloon_counted], eax
	mov	dx, BALLOON_TAKE
	mov	eax, ecx
	out	dx, eax
	mov	dx, BALLOON_GIVE
	mov	eax, VIDEO >> 12
	out	dx, eax
	in	eax, dx
	mov	[balloon_refused], eax
	pop	eax
.read:
	mov	ecx, [eax]
	mov	[balloon_read], ecx
	call	frame_drop
	KCHECK	"a page is counted in the balloon", [balloon_counted], [balloon_here]
	KCHECK	"it comes out empty", [balloon_read], [balloon_expected]
	KCHECK	"video memory is refused", [balloon_refused], [balloon_here]
	ret

section bss
		resb ($$ - $) & 3
balloon_here:	resd 1			; 1: there is one
spare_pages:	resd 1			; memory that nobody uses, from page SPARE on
spare_given:	resd 1			; of it, in the balloon
balloon_counted: resd 1
balloon_refused: resd 1
balloon_read:	resd 1
balloon_expected: resd 1
