;; Products with the features of rows (feature-products.ts). Addresses are in bytes. `rows` are `count` row numbers;
;; the features are sparse (`starts`, `columns`, `values`) and dense (`dense`, `width` float32 per row). Sums are in the
;; order of the columns, or of the rows, and each operation rounds once, so results have the bits of a plain loop.
(module
  (import "features" "memory" (memory 1))

  ;; out[i] = sum of the sparse features of rows[i] times their elements of `point`
  (func (export "multiply_sparse")
    (param $rows i32) (param $count i32) (param $starts i32) (param $columns i32) (param $values i32)
    (param $point i32) (param $out i32)
    (local $last i32) (local $at i32) (local $k i32) (local $end i32) (local $sum f64)
    (local.set $last (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $rows) (local.get $last)))
        (local.set $at (i32.add (local.get $starts) (i32.shl (i32.load (local.get $rows)) (i32.const 2))))
        (local.set $k (i32.shl (i32.load (local.get $at)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $at)) (i32.const 2)))
        (local.set $sum (f64.const 0))
        (block $summed
          (loop $next
            (br_if $summed (i32.eq (local.get $k) (local.get $end)))
            (local.set $sum (f64.add (local.get $sum)
              (f64.mul
                (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k))))
                (f64.load (i32.add (local.get $point)
                  (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 3)))))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (f64.store (local.get $out) (local.get $sum))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
        (br $row))))

  ;; out[i] += sum of the dense features of rows[i] times the elements of `point`, for four rows at a time; `count` is a
  ;; multiple of four
  (func (export "add_dense_products")
    (param $rows i32) (param $count i32) (param $dense i32) (param $width i32) (param $point i32) (param $out i32)
    (local $last i32) (local $end i32) (local $at i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local $low v128) (local $high v128) (local $factor v128)
    (local.set $last (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $end (i32.add (local.get $point) (i32.shl (local.get $width) (i32.const 3))))
    (local.set $width (i32.shl (local.get $width) (i32.const 2)))
    (block $done
      (loop $four
        (br_if $done (i32.eq (local.get $rows) (local.get $last)))
        (local.set $a (i32.add (local.get $dense) (i32.mul (i32.load (local.get $rows)) (local.get $width))))
        (local.set $b (i32.add (local.get $dense) (i32.mul (i32.load offset=4 (local.get $rows)) (local.get $width))))
        (local.set $c (i32.add (local.get $dense) (i32.mul (i32.load offset=8 (local.get $rows)) (local.get $width))))
        (local.set $d (i32.add (local.get $dense) (i32.mul (i32.load offset=12 (local.get $rows)) (local.get $width))))
        (local.set $low (v128.load (local.get $out)))
        (local.set $high (v128.load offset=16 (local.get $out)))
        (local.set $at (local.get $point))
        (block $summed
          (loop $next
            (br_if $summed (i32.eq (local.get $at) (local.get $end)))
            (local.set $factor (v128.load64_splat (local.get $at)))
            (local.set $low (f64x2.add (local.get $low)
              (f64x2.mul (local.get $factor)
                (f64x2.promote_low_f32x4
                  (v128.load32_lane 1 (local.get $b) (v128.load32_zero (local.get $a)))))))
            (local.set $high (f64x2.add (local.get $high)
              (f64x2.mul (local.get $factor)
                (f64x2.promote_low_f32x4
                  (v128.load32_lane 1 (local.get $d) (v128.load32_zero (local.get $c)))))))
            (local.set $a (i32.add (local.get $a) (i32.const 4)))
            (local.set $b (i32.add (local.get $b) (i32.const 4)))
            (local.set $c (i32.add (local.get $c) (i32.const 4)))
            (local.set $d (i32.add (local.get $d) (i32.const 4)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $next)))
        (v128.store (local.get $out) (local.get $low))
        (v128.store offset=16 (local.get $out) (local.get $high))
        (local.set $out (i32.add (local.get $out) (i32.const 32)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 16)))
        (br $four))))

  ;; out[column] += weights[i] * feature, for the sparse features of rows[i]
  (func (export "add_sparse_columns")
    (param $rows i32) (param $count i32) (param $starts i32) (param $columns i32) (param $values i32)
    (param $weights i32) (param $out i32)
    (local $last i32) (local $at i32) (local $k i32) (local $end i32) (local $weight f64)
    (local.set $last (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $row
        (br_if $done (i32.eq (local.get $rows) (local.get $last)))
        (local.set $at (i32.add (local.get $starts) (i32.shl (i32.load (local.get $rows)) (i32.const 2))))
        (local.set $k (i32.shl (i32.load (local.get $at)) (i32.const 2)))
        (local.set $end (i32.shl (i32.load offset=4 (local.get $at)) (i32.const 2)))
        (local.set $weight (f64.load (local.get $weights)))
        (block $added
          (loop $next
            (br_if $added (i32.eq (local.get $k) (local.get $end)))
            (local.set $at (i32.add (local.get $out)
              (i32.shl (i32.load (i32.add (local.get $columns) (local.get $k))) (i32.const 3))))
            (f64.store (local.get $at) (f64.add (f64.load (local.get $at))
              (f64.mul (local.get $weight)
                (f64.promote_f32 (f32.load (i32.add (local.get $values) (local.get $k)))))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $next)))
        (local.set $weights (i32.add (local.get $weights) (i32.const 8)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
        (br $row))))

  ;; out[column] += weights[i] * feature, for the dense features of rows[i], four rows at a time; `count` is a multiple of
  ;; four. One element after the last row, and after `out`, may be read and written.
  (func (export "add_dense_columns")
    (param $rows i32) (param $count i32) (param $dense i32) (param $width i32) (param $weights i32) (param $out i32)
    (local $last i32) (local $end i32) (local $at i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local $wa v128) (local $wb v128) (local $wc v128) (local $wd v128)
    (local.set $last (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $width) (i32.const 3))))
    (local.set $width (i32.shl (local.get $width) (i32.const 2)))
    (block $done
      (loop $four
        (br_if $done (i32.eq (local.get $rows) (local.get $last)))
        (local.set $a (i32.add (local.get $dense) (i32.mul (i32.load (local.get $rows)) (local.get $width))))
        (local.set $b (i32.add (local.get $dense) (i32.mul (i32.load offset=4 (local.get $rows)) (local.get $width))))
        (local.set $c (i32.add (local.get $dense) (i32.mul (i32.load offset=8 (local.get $rows)) (local.get $width))))
        (local.set $d (i32.add (local.get $dense) (i32.mul (i32.load offset=12 (local.get $rows)) (local.get $width))))
        (local.set $wa (v128.load64_splat (local.get $weights)))
        (local.set $wb (v128.load64_splat offset=8 (local.get $weights)))
        (local.set $wc (v128.load64_splat offset=16 (local.get $weights)))
        (local.set $wd (v128.load64_splat offset=24 (local.get $weights)))
        (local.set $at (local.get $out))
        (block $added
          (loop $next
            (br_if $added (i32.ge_u (local.get $at) (local.get $end)))
            (v128.store (local.get $at)
              (f64x2.add
                (f64x2.add
                  (f64x2.add
                    (f64x2.add (v128.load (local.get $at))
                      (f64x2.mul (local.get $wa) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $a)))))
                    (f64x2.mul (local.get $wb) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $b)))))
                  (f64x2.mul (local.get $wc) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $c)))))
                (f64x2.mul (local.get $wd) (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $d))))))
            (local.set $a (i32.add (local.get $a) (i32.const 8)))
            (local.set $b (i32.add (local.get $b) (i32.const 8)))
            (local.set $c (i32.add (local.get $c) (i32.const 8)))
            (local.set $d (i32.add (local.get $d) (i32.const 8)))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $next)))
        (local.set $weights (i32.add (local.get $weights) (i32.const 32)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 16)))
        (br $four)))))
