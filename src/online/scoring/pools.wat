;; Weighted sums of rows of a table; src/online/scoring/pools.ts is its only caller. Addresses are in bytes and multiples of four.
(module
  (import "pools" "memory" (memory 1))

  ;; out[r, :] = sum over j < length of weights[r, j] table[index[r, j], :], in that order, for each of `rows` rows; a
  ;; weight of 0 reads nothing, and without weights (address 0) each is 1. Rows of `out` are `out_stride` bytes apart.
  ;; An index from -table_rows on counts from the end, as in ONNX. Returns `rows`, or the first row with an index outside
  ;; the table.
  (func (export "pool")
    (param $out i32) (param $out_stride i32) (param $table i32) (param $table_rows i32) (param $width i32)
    (param $index i32) (param $weights i32) (param $length i32) (param $rows i32) (result i32)
    (local $row i32) (local $list i32) (local $at i32) (local $w i32) (local $i i32) (local $stride i32)
    (local $column i32) (local $from i32) (local $weight f32) (local $scale v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $sum f32)
    (local.set $stride (i32.shl (local.get $width) (i32.const 2)))
    (local.set $list (i32.shl (local.get $length) (i32.const 2)))
    (block $done
      (loop $next_row
        (br_if $done (i32.eq (local.get $row) (local.get $rows)))
        ;; every index inside the table
        (local.set $i (i32.const 0))
        (block $checked
          (loop $check
            (br_if $checked (i32.eq (local.get $i) (local.get $list)))
            (local.set $at (i32.add (local.get $index) (local.get $i)))
            (local.set $from (i32.load (local.get $at)))
            (if (i32.lt_s (local.get $from) (i32.const 0)) (then
              (local.set $from (i32.add (local.get $from) (local.get $table_rows)))))
            (if (i32.ge_u (local.get $from) (local.get $table_rows)) (then (return (local.get $row))))
            (i32.store (local.get $at) (local.get $from))
            (local.set $i (i32.add (local.get $i) (i32.const 4)))
            (br $check)))
        (local.set $column (i32.const 0))
        ;; sixteen columns at a time
        (block $end16
          (loop $columns16
            (br_if $end16 (i32.gt_u (i32.add (local.get $column) (i32.const 64)) (local.get $stride)))
            (local.set $a (v128.const f32x4 0 0 0 0))
            (local.set $b (v128.const f32x4 0 0 0 0))
            (local.set $c (v128.const f32x4 0 0 0 0))
            (local.set $d (v128.const f32x4 0 0 0 0))
            (local.set $i (i32.const 0))
            (block $summed
              (loop $sum
                (br_if $summed (i32.eq (local.get $i) (local.get $list)))
                (local.set $weight (if (result f32) (local.get $weights)
                  (then (f32.load (i32.add (local.get $weights) (local.get $i)))) (else (f32.const 1))))
                (if (f32.ne (local.get $weight) (f32.const 0)) (then
                  (local.set $scale (f32x4.splat (local.get $weight)))
                  (local.set $from (i32.add (i32.add (local.get $table) (local.get $column))
                    (i32.mul (i32.load (i32.add (local.get $index) (local.get $i))) (local.get $stride))))
                  (local.set $a (f32x4.add (local.get $a)
                    (f32x4.mul (local.get $scale) (v128.load (local.get $from)))))
                  (local.set $b (f32x4.add (local.get $b)
                    (f32x4.mul (local.get $scale) (v128.load offset=16 (local.get $from)))))
                  (local.set $c (f32x4.add (local.get $c)
                    (f32x4.mul (local.get $scale) (v128.load offset=32 (local.get $from)))))
                  (local.set $d (f32x4.add (local.get $d)
                    (f32x4.mul (local.get $scale) (v128.load offset=48 (local.get $from)))))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br $sum)))
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
            (local.set $i (i32.const 0))
            (block $summed
              (loop $sum1
                (br_if $summed (i32.eq (local.get $i) (local.get $list)))
                (local.set $weight (if (result f32) (local.get $weights)
                  (then (f32.load (i32.add (local.get $weights) (local.get $i)))) (else (f32.const 1))))
                (if (f32.ne (local.get $weight) (f32.const 0)) (then
                  (local.set $sum (f32.add (local.get $sum) (f32.mul (local.get $weight)
                    (f32.load (i32.add (i32.add (local.get $table) (local.get $column))
                      (i32.mul (i32.load (i32.add (local.get $index) (local.get $i))) (local.get $stride)))))))))
                (local.set $i (i32.add (local.get $i) (i32.const 4)))
                (br $sum1)))
            (f32.store (i32.add (local.get $out) (local.get $column)) (local.get $sum))
            (local.set $column (i32.add (local.get $column) (i32.const 4)))
            (br $columns1)))
        (local.set $out (i32.add (local.get $out) (local.get $out_stride)))
        (local.set $index (i32.add (local.get $index) (local.get $list)))
        (if (local.get $weights) (then (local.set $weights (i32.add (local.get $weights) (local.get $list)))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next_row)))
    (local.get $rows))
)
