;; Adam on float32 values (Kingma & Ba 2015, algorithm 1), four at a time; packages/onnx-grad/src/adam/adam.ts is its only caller.
;; Addresses are in bytes and multiples of four. Each operation rounds once, in this order:
;;   moment1 <- beta1 moment1 + (1 - beta1) g
;;   moment2 <- beta2 moment2 + (1 - beta2) g^2
;;   parameter <- parameter - (step_size moment1) / (scale2 sqrt(moment2) + epsilon)
(module
  (import "adam" "memory" (memory 1))

  (global $beta1 (mut f32) (f32.const 0))
  (global $rest1 (mut f32) (f32.const 0))
  (global $beta2 (mut f32) (f32.const 0))
  (global $rest2 (mut f32) (f32.const 0))
  (global $epsilon (mut f32) (f32.const 0))

  ;; rest1 = 1 - beta1, rest2 = 1 - beta2
  (func (export "configure")
    (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32) (param $epsilon f32)
    (global.set $beta1 (local.get $beta1))
    (global.set $rest1 (local.get $rest1))
    (global.set $beta2 (local.get $beta2))
    (global.set $rest2 (local.get $rest2))
    (global.set $epsilon (local.get $epsilon)))

  ;; One step of `count` values, a multiple of four. Their gradients are zero afterwards.
  (func (export "step")
    (param $parameter i32) (param $moment1 i32) (param $moment2 i32) (param $gradient i32) (param $count i32)
    (param $step_size f32) (param $scale2 f32)
    (local $end i32) (local $g v128) (local $m v128) (local $v v128)
    (local.set $end (i32.add (local.get $gradient) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $gradient) (local.get $end)))
        (local.set $g (v128.load (local.get $gradient)))
        (v128.store (local.get $gradient) (v128.const f32x4 0 0 0 0))
        (local.set $m (f32x4.add
          (f32x4.mul (v128.load (local.get $moment1)) (f32x4.splat (global.get $beta1)))
          (f32x4.mul (local.get $g) (f32x4.splat (global.get $rest1)))))
        (local.set $v (f32x4.add
          (f32x4.mul (v128.load (local.get $moment2)) (f32x4.splat (global.get $beta2)))
          (f32x4.mul (f32x4.mul (local.get $g) (local.get $g)) (f32x4.splat (global.get $rest2)))))
        (v128.store (local.get $moment1) (local.get $m))
        (v128.store (local.get $moment2) (local.get $v))
        (v128.store (local.get $parameter) (f32x4.sub
          (v128.load (local.get $parameter))
          (f32x4.div
            (f32x4.mul (local.get $m) (f32x4.splat (local.get $step_size)))
            (f32x4.add
              (f32x4.mul (f32x4.sqrt (local.get $v)) (f32x4.splat (local.get $scale2)))
              (f32x4.splat (global.get $epsilon))))))
        (local.set $parameter (i32.add (local.get $parameter) (i32.const 16)))
        (local.set $moment1 (i32.add (local.get $moment1) (i32.const 16)))
        (local.set $moment2 (i32.add (local.get $moment2) (i32.const 16)))
        (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
        (br $next))))

  ;; into[places[i]] += from[i] for each of `count` rows of `width` values, one after the other.
  (func (export "add_rows")
    (param $into i32) (param $from i32) (param $places i32) (param $count i32) (param $width i32)
    (local $end i32) (local $at i32) (local $row_end i32) (local $vectors_end i32) (local $stride i32)
    (local.set $stride (i32.shl (local.get $width) (i32.const 2)))
    (local.set $end (i32.add (local.get $places) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $places) (local.get $end)))
        (local.set $at (i32.add (local.get $into) (i32.mul (i32.load (local.get $places)) (local.get $stride))))
        (local.set $row_end (i32.add (local.get $at) (local.get $stride)))
        (local.set $vectors_end (i32.add (local.get $at) (i32.and (local.get $stride) (i32.const -16))))
        (block $vectors
          (loop $next
            (br_if $vectors (i32.eq (local.get $at) (local.get $vectors_end)))
            (v128.store (local.get $at) (f32x4.add (v128.load (local.get $at)) (v128.load (local.get $from))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (br $next)))
        (block $rest
          (loop $next
            (br_if $rest (i32.eq (local.get $at) (local.get $row_end)))
            (f32.store (local.get $at) (f32.add (f32.load (local.get $at)) (f32.load (local.get $from))))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (local.set $from (i32.add (local.get $from) (i32.const 4)))
            (br $next)))
        (local.set $places (i32.add (local.get $places) (i32.const 4)))
        (br $row))))
)
