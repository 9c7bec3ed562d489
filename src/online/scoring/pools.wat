;; Weighted sums of rows of a table over lists of different lengths; src/online/scoring/pools.ts is its only caller.
;; Addresses are in bytes and multiples of four.
(module
  (import "pools" "memory" (memory 1))

  ;; out[r, :] = sum over j from starts[r] to starts[r + 1] of weights[j] table[tokens[j], :], in that order, for each of
  ;; `rows` rows; without weights (address 0) each is 1. Rows of `out` are `out_stride` bytes apart. The caller has checked
  ;; that every token is in the table.
  (func (export "sum")
    (param $out i32) (param $out_stride i32) (param $table i32) (param $width i32)
    (param $starts i32) (param $tokens i32) (param $weights i32) (param $rows i32)
    (local $i i32) (local $first i32) (local $end i32) (local $stride i32) (local $column i32) (local $at i32)
    (local $sum f32) (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $scale v128)
    (local.set $stride (i32.shl (local.get $width) (i32.const 2)))
    (block $done
      (loop $next_row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $first (i32.shl (i32.load (local.get $starts)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $starts)) (i32.const 2)))
        (local.set $column (i32.const 0))
        ;; sixteen columns at a time
        (block $end16
          (loop $columns16
            (br_if $end16 (i32.gt_u (i32.add (local.get $column) (i32.const 64)) (local.get $stride)))
            (local.set $a (v128.const f32x4 0 0 0 0))
            (local.set $b (v128.const f32x4 0 0 0 0))
            (local.set $c (v128.const f32x4 0 0 0 0))
            (local.set $d (v128.const f32x4 0 0 0 0))
            (local.set $scale (f32x4.splat (f32.const 1)))
            (local.set $i (local.get $first))
            (block $summed
              (loop $next_token
                (br_if $summed (i32.eq (local.get $i) (local.get $end)))
                (if (local.get $weights) (then
                  (local.set $scale (f32x4.splat (f32.load (i32.add (local.get $weights) (local.get $i)))))))
                (local.set $at (i32.add (i32.add (local.get $table) (local.get $column))
                  (i32.mul (i32.load (i32.add (local.get $tokens) (local.get $i))) (local.get $stride))))
                (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $scale) (v128.load (local.get $at)))))
                (local.set $b (f32x4.add (local.get $b)
                  (f32x4.mul (local.get $scale) (v128.load offset=16 (local.get $at)))))
                (local.set $c (f32x4.add (local.get $c)
                  (f32x4.mul (local.get $scale) (v128.load offset=32 (local.get $at)))))
                (local.set $d (f32x4.add (local.get $d)
                  (f32x4.mul (local.get $scale) (v128.load offset=48 (local.get $at)))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br $next_token)))
            (local.set $at (i32.add (local.get $out) (local.get $column)))
            (v128.store (local.get $at) (local.get $a))
            (v128.store offset=16 (local.get $at) (local.get $b))
            (v128.store offset=32 (local.get $at) (local.get $c))
            (v128.store offset=48 (local.get $at) (local.get $d))
            (local.set $column (i32.add (local.get $column) (i32.const 64)))
            (br $columns16)))
        ;; then one
        (block $end1
          (loop $columns1
            (br_if $end1 (i32.eq (local.get $column) (local.get $stride)))
            (local.set $sum (f32.const 0))
            (local.set $i (local.get $first))
            (block $summed
              (loop $next_token
                (br_if $summed (i32.eq (local.get $i) (local.get $end)))
                (local.set $sum (f32.add (local.get $sum) (f32.mul
                  (if (result f32) (local.get $weights)
                    (then (f32.load (i32.add (local.get $weights) (local.get $i)))) (else (f32.const 1)))
                  (f32.load (i32.add (i32.add (local.get $table) (local.get $column))
                    (i32.mul (i32.load (i32.add (local.get $tokens) (local.get $i))) (local.get $stride)))))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br $next_token)))
            (f32.store (i32.add (local.get $out) (local.get $column)) (local.get $sum))
            (local.set $column (i32.add (local.get $column) (i32.const 4)))
            (br $columns1)))
        (local.set $out (i32.add (local.get $out) (local.get $out_stride)))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $next_row))))
)
