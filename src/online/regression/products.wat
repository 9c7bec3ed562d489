;; Products with sparse rows and with dense directions; src/online/regression/products.ts is its only caller.
;; Addresses are in bytes and multiples of four. Each sum is in the order of the rows, or of the columns, and each
;; operation rounds once: vectors that are multiplied side by side have the bits that they have alone.
(module
  (import "products" "memory" (memory 1))

  ;; out += X'X v of sparse rows, of one vector or two or four interleaved ones; `starts` has rows + 1 entries, values
  ;; are float32.
  (func (export "add_gram_1")
    (param $starts i32) (param $rows i32) (param $columns i32) (param $values i32) (param $v i32) (param $out i32)
    (local $last i32) (local $from i32) (local $end i32) (local $k i32) (local $at i32)
    (local $x f64) (local $s f64)
    (local.set $last (i32.add (local.get $starts) (i32.shl (local.get $rows) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $starts) (local.get $last)))
        (local.set $from (i32.shl (i32.load (local.get $starts)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $starts)) (i32.const 2)))
        (local.set $s (f64.const 0))
        (local.set $k (local.get $from))
        (block $summed
          (loop $next
            (br_if $summed (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k)))))
            (local.set $at (i32.add (local.get $v)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 3))))
            (local.set $s (f64.add (local.get $s)
              (f64.mul (local.get $x) (f64.load (local.get $at)))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $k (local.get $from))
        (block $added
          (loop $next
            (br_if $added (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k)))))
            (local.set $at (i32.add (local.get $out)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 3))))
            (f64.store (local.get $at) (f64.add (f64.load (local.get $at))
              (f64.mul (local.get $s) (local.get $x))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (br $row))))

  (func (export "add_gram_2")
    (param $starts i32) (param $rows i32) (param $columns i32) (param $values i32) (param $v i32) (param $out i32)
    (local $last i32) (local $from i32) (local $end i32) (local $k i32) (local $at i32)
    (local $x v128) (local $low v128)
    (local.set $last (i32.add (local.get $starts) (i32.shl (local.get $rows) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $starts) (local.get $last)))
        (local.set $from (i32.shl (i32.load (local.get $starts)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $starts)) (i32.const 2)))
        (local.set $low (v128.const f64x2 0 0))
        (local.set $k (local.get $from))
        (block $summed
          (loop $next
            (br_if $summed (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64x2.splat (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k))))))
            (local.set $at (i32.add (local.get $v)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 4))))
            (local.set $low (f64x2.add (local.get $low)
              (f64x2.mul (local.get $x) (v128.load (local.get $at)))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $k (local.get $from))
        (block $added
          (loop $next
            (br_if $added (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64x2.splat (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k))))))
            (local.set $at (i32.add (local.get $out)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 4))))
            (v128.store (local.get $at) (f64x2.add (v128.load (local.get $at))
              (f64x2.mul (local.get $low) (local.get $x))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (br $row))))

  (func (export "add_gram_4")
    (param $starts i32) (param $rows i32) (param $columns i32) (param $values i32) (param $v i32) (param $out i32)
    (local $last i32) (local $from i32) (local $end i32) (local $k i32) (local $at i32)
    (local $x v128) (local $low v128) (local $high v128)
    (local.set $last (i32.add (local.get $starts) (i32.shl (local.get $rows) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $starts) (local.get $last)))
        (local.set $from (i32.shl (i32.load (local.get $starts)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $starts)) (i32.const 2)))
        (local.set $low (v128.const f64x2 0 0))
        (local.set $high (v128.const f64x2 0 0))
        (local.set $k (local.get $from))
        (block $summed
          (loop $next
            (br_if $summed (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64x2.splat (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k))))))
            (local.set $at (i32.add (local.get $v)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 5))))
            (local.set $low (f64x2.add (local.get $low)
              (f64x2.mul (local.get $x) (v128.load (local.get $at)))))
            (local.set $high (f64x2.add (local.get $high)
              (f64x2.mul (local.get $x) (v128.load offset=16 (local.get $at)))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $k (local.get $from))
        (block $added
          (loop $next
            (br_if $added (i32.eq (local.get $k) (local.get $end)))
            (local.set $x (f64x2.splat (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k))))))
            (local.set $at (i32.add (local.get $out)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 5))))
            (v128.store (local.get $at) (f64x2.add (v128.load (local.get $at))
              (f64x2.mul (local.get $low) (local.get $x))))
            (v128.store offset=16 (local.get $at) (f64x2.add (v128.load offset=16 (local.get $at))
              (f64x2.mul (local.get $high) (local.get $x))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (br $row))))

  ;; The product of v with a float32 vector u of `width`.
  (func (export "project")
    (param $u i32) (param $width i32) (param $v i32) (result f64)
    (local $end i32) (local $sum f64)
    (local.set $end (i32.add (local.get $u) (i32.shl (local.get $width) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $u) (local.get $end)))
        (local.set $sum (f64.add (local.get $sum)
          (f64.mul (f64.promote_f32 (f32.load (local.get $u))) (f64.load (local.get $v)))))
        (local.set $u (i32.add (local.get $u) (i32.const 4)))
        (local.set $v (i32.add (local.get $v) (i32.const 8)))
        (br $next)))
    (local.get $sum))

  ;; Those with u and the next three, `stride` bytes apart; `out` is `[4]`.
  (func (export "project_four")
    (param $u i32) (param $width i32) (param $stride i32) (param $v i32) (param $out i32)
    (local $end i32) (local $b i32) (local $c i32) (local $d i32) (local $x f64)
    (local $s0 f64) (local $s1 f64) (local $s2 f64) (local $s3 f64)
    (local.set $end (i32.add (local.get $u) (i32.shl (local.get $width) (i32.const 2))))
    (local.set $b (i32.add (local.get $u) (local.get $stride)))
    (local.set $c (i32.add (local.get $b) (local.get $stride)))
    (local.set $d (i32.add (local.get $c) (local.get $stride)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $u) (local.get $end)))
        (local.set $x (f64.load (local.get $v)))
        (local.set $s0 (f64.add (local.get $s0)
          (f64.mul (f64.promote_f32 (f32.load (local.get $u))) (local.get $x))))
        (local.set $s1 (f64.add (local.get $s1)
          (f64.mul (f64.promote_f32 (f32.load (local.get $b))) (local.get $x))))
        (local.set $s2 (f64.add (local.get $s2)
          (f64.mul (f64.promote_f32 (f32.load (local.get $c))) (local.get $x))))
        (local.set $s3 (f64.add (local.get $s3)
          (f64.mul (f64.promote_f32 (f32.load (local.get $d))) (local.get $x))))
        (local.set $u (i32.add (local.get $u) (i32.const 4)))
        (local.set $b (i32.add (local.get $b) (i32.const 4)))
        (local.set $c (i32.add (local.get $c) (i32.const 4)))
        (local.set $d (i32.add (local.get $d) (i32.const 4)))
        (local.set $v (i32.add (local.get $v) (i32.const 8)))
        (br $next)))
    (f64.store (local.get $out) (local.get $s0))
    (f64.store offset=8 (local.get $out) (local.get $s1))
    (f64.store offset=16 (local.get $out) (local.get $s2))
    (f64.store offset=24 (local.get $out) (local.get $s3)))

  ;; out += factor u.
  (func (export "add")
    (param $u i32) (param $width i32) (param $factor f64) (param $out i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $u) (i32.shl (local.get $width) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $u) (local.get $end)))
        (f64.store (local.get $out) (f64.add (f64.load (local.get $out))
          (f64.mul (local.get $factor) (f64.promote_f32 (f32.load (local.get $u))))))
        (local.set $u (i32.add (local.get $u) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (br $next))))

  ;; The same with u and the next three, one after the other; `factors` is `[4]`, `width` even.
  (func (export "add_four")
    (param $u i32) (param $width i32) (param $stride i32) (param $factors i32) (param $out i32)
    (local $end i32) (local $b i32) (local $c i32) (local $d i32) (local $x v128)
    (local $f0 v128) (local $f1 v128) (local $f2 v128) (local $f3 v128)
    (local.set $end (i32.add (local.get $u) (i32.shl (local.get $width) (i32.const 2))))
    (local.set $b (i32.add (local.get $u) (local.get $stride)))
    (local.set $c (i32.add (local.get $b) (local.get $stride)))
    (local.set $d (i32.add (local.get $c) (local.get $stride)))
    (local.set $f0 (v128.load64_splat (local.get $factors)))
    (local.set $f1 (v128.load64_splat offset=8 (local.get $factors)))
    (local.set $f2 (v128.load64_splat offset=16 (local.get $factors)))
    (local.set $f3 (v128.load64_splat offset=24 (local.get $factors)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $u) (local.get $end)))
        (local.set $x (v128.load (local.get $out)))
        (local.set $x (f64x2.add (local.get $x)
          (f64x2.mul (local.get $f0) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $u))))))
        (local.set $x (f64x2.add (local.get $x)
          (f64x2.mul (local.get $f1) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $b))))))
        (local.set $x (f64x2.add (local.get $x)
          (f64x2.mul (local.get $f2) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $c))))))
        (local.set $x (f64x2.add (local.get $x)
          (f64x2.mul (local.get $f3) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $d))))))
        (v128.store (local.get $out) (local.get $x))
        (local.set $u (i32.add (local.get $u) (i32.const 8)))
        (local.set $b (i32.add (local.get $b) (i32.const 8)))
        (local.set $c (i32.add (local.get $c) (i32.const 8)))
        (local.set $d (i32.add (local.get $d) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next))))
)
