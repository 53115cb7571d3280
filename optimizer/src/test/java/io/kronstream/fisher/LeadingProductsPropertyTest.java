// SPDX-License-Identifier: Apache-2.0
package io.kronstream.fisher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kronstream.fisher.FisherError.Product;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.Samples;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Lanczos, the power iteration and K-FAC against each other, on mini-batches of any shape. */
class LeadingProductsPropertyTest {
    private static final int TRIES = 60;
    private static final double ROUNDING = 1e-7;

    @Property(tries = TRIES)
    void errorsAreInTheOrderOfTheMethods(
            @ForAll @IntRange(min = 1, max = 12) int batch,
            @ForAll @IntRange(min = 1, max = 5) int m,
            @ForAll @IntRange(min = 1, max = 6) int n,
            @ForAll long seed) {
        Batch sample = new Batch(batch, m, n, new Random(seed));
        double kfac = sample.error(sample.kfac());
        double kpsvd = sample.error(sample.kpsvd());
        double deflation = sample.error(sample.lanczos());
        double corrected = sample.error(sample.corrected());

        assertThat(kfac).isGreaterThanOrEqualTo(kpsvd - ROUNDING);
        assertThat(kpsvd).isGreaterThanOrEqualTo(deflation - ROUNDING);
        assertThat(kfac).isGreaterThanOrEqualTo(corrected - ROUNDING);
        assertThat(corrected).isGreaterThanOrEqualTo(deflation - ROUNDING);
    }

    @Property(tries = TRIES)
    void bothSearchesFindTheSameError(
            @ForAll @IntRange(min = 1, max = 10) int batch,
            @ForAll @IntRange(min = 1, max = 4) int m,
            @ForAll @IntRange(min = 1, max = 5) int n,
            @ForAll long seed) {
        Batch sample = new Batch(batch, m, n, new Random(seed));

        assertThat(sample.error(sample.lanczos())).isCloseTo(sample.error(sample.deflation()), within(1e-5));
    }

    @Property(tries = TRIES)
    void theFirstProductIsPositiveSemidefinite(
            @ForAll @IntRange(min = 1, max = 10) int batch,
            @ForAll @IntRange(min = 1, max = 5) int m,
            @ForAll @IntRange(min = 1, max = 5) int n,
            @ForAll long seed) {
        Product first = new Batch(batch, m, n, new Random(seed)).lanczos().get(0);

        for (Matrix factor : List.of(first.left(), first.right())) {
            double[] eigenvalues = new double[factor.rows()];
            Samples.as(Precision.DOUBLE, factor).eigenvectors(eigenvalues);
            assertThat(eigenvalues[eigenvalues.length - 1]).isGreaterThan(-1e-7 * eigenvalues[0]);
        }
    }

    @Property(tries = TRIES)
    void aWarmStartNeedsNoMoreCycles(@ForAll long seed) {
        Batch sample = new Batch(20, 4, 5, new Random(seed));
        try (LeadingProducts leading = new LeadingProducts(Precision.DOUBLE, 1e-9, 4, 500)) {
            Matrix left = Matrix.create(Precision.DOUBLE, 4, 4);
            Matrix right = Matrix.create(Precision.DOUBLE, 5, 5);
            Matrix leftSecond = Matrix.create(Precision.DOUBLE, 4, 4);
            Matrix rightSecond = Matrix.create(Precision.DOUBLE, 5, 5);
            int cold = leading.find(sample.activations, sample.gradients, left, right, leftSecond, rightSecond);
            int warm = leading.find(sample.activations, sample.gradients, left, right, leftSecond, rightSecond);

            assertThat(warm).isLessThanOrEqualTo(cold).isLessThanOrEqualTo(2);
        }
    }

    /** Examples whose inputs and derivatives depend on each other. */
    private static final class Batch {
        final Matrix activations;
        final Matrix gradients;
        final int m;
        final int n;

        Batch(int batch, int m, int n, Random random) {
            this.m = m;
            this.n = n;
            activations = Samples.normal(Precision.DOUBLE, batch, n, 1, random);
            gradients = Samples.normal(Precision.DOUBLE, batch, m, 1, random);
            for (int t = 0; t < batch; t++) {
                activations.set(t, n - 1, 1);
                gradients.set(t, 0, gradients.get(t, 0) + activations.get(t, 0));
            }
        }

        double error(List<Product> approximation) {
            return FisherError.relative(activations, gradients, approximation);
        }

        List<Product> kfac() {
            Product product = product();
            product.right().addGram(1.0 / activations.rows(), activations, true, 0);
            product.left().addGram(1.0 / activations.rows(), gradients, true, 0);
            return List.of(product);
        }

        List<Product> kpsvd() {
            Product product = product();
            try (NearestProduct nearest = new NearestProduct(Precision.DOUBLE, 1e-10, 5000)) {
                nearest.find(activations, gradients, product.left(), product.right());
            }
            return List.of(product);
        }

        List<Product> corrected() {
            return List.of(kfac().get(0), beside(kfac().get(0)));
        }

        List<Product> deflation() {
            return List.of(kpsvd().get(0), beside(kpsvd().get(0)));
        }

        private Product beside(Product first) {
            Product second = product();
            try (NearestProduct nearest = new NearestProduct(Precision.DOUBLE, 1e-10, 5000)) {
                nearest.findBeside(activations, gradients, first.left(), first.right(), second.left(), second.right());
            }
            // The search fixes the product up to its sign; the nearer one counts.
            Matrix negative = Samples.as(Precision.DOUBLE, second.left());
            negative.scale(-1);
            Product opposite = new Product(second.right(), negative);
            return error(List.of(first, second)) <= error(List.of(first, opposite)) ? second : opposite;
        }

        List<Product> lanczos() {
            Product first = product();
            Product second = product();
            try (LeadingProducts leading = new LeadingProducts(Precision.DOUBLE, 1e-10, 8, 500)) {
                leading.find(activations, gradients, first.left(), first.right(), second.left(), second.right());
            }
            return List.of(first, second);
        }

        private Product product() {
            return new Product(Matrix.create(Precision.DOUBLE, n, n), Matrix.create(Precision.DOUBLE, m, m));
        }
    }
}
