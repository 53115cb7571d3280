// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.Decomposition;
import io.kronstream.fisher.RefreshMethod;
import io.kronstream.fisher.RefreshTask;
import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Precision;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.LayerGradient;
import java.util.List;
import java.util.stream.Stream;

/**
 * Natural gradient with each layer's block of the Fisher matrix as the Kronecker product of two second moments: of the
 * layer's inputs and of the derivatives at its outputs.
 *
 * <p>The step is that of {@link KroneckerOptimizer}, with
 *
 * <pre>
 *   A_new = mean abar abar^T,   G_new = mean g g^T,   rho = min(1 - 1/k, alpha)
 *   inverse form:  pi = sqrt((tr A / n) / (tr G / m))
 *                  U  = (G + sqrt(lambda) / pi I)^-1 grad (A + pi sqrt(lambda) I)^-1
 *   eigen form:    A = QA diag(a) QA^T,  G = QG diag(g) QG^T
 *                  U  = QG [(QG^T grad QA) / (g a^T + lambda)] QA^T
 * </pre>
 *
 * <p>The eigen form damps the product of the factors exactly, at several times the cubic work.
 *
 * <p>Departures: those of {@link KroneckerOptimizer}; pi is kept within [1e-9, 1e9] and is 1 where a trace is 0. The
 * convention {@code KFAC_PYTORCH} is that of the library of this name: factors that start from the
 * identity with rho = alpha, G from derivatives of the mini-batch's mean loss, and lambda added to each factor of the
 * inverse form.
 *
 * <p>G is {@code left}, A is {@code right}; then {@code leftInverse, rightInverse}, or {@code leftBasis, rightBasis,
 * leftEigenvalues, rightEigenvalues}.
 *
 * <p>Reference: Martens and Grosse 2015, arXiv 1503.05671, sections 3, 6.3 and 6.5; the eigen form is that of George et
 * al. 2018, arXiv 1806.03884, without their re-estimated eigenvalues, as in kfac-pytorch (Pauloski et al. 2021).
 */
final class KFAC extends KroneckerOptimizer {
    static final Knob<Form> FORM = Knob.choice(
                    "form", Form.INVERSE, "How the inverse is applied; eigen damps exactly and costs more to refresh.")
            .structural();
    static final Knob<Convention> CONVENTION = Knob.choice(
            "convention", Convention.PAPER, "Whose start, scale and damping of the factors; they cost the same.");
    static final List<Knob<?>> KNOBS = Stream.concat(COMMON_KNOBS.stream(), Stream.<Knob<?>>of(FORM, CONVENTION))
            .toList();

    /** How the inverse is applied. */
    enum Form {
        /** By the inverses of both factors, each damped. */
        INVERSE,
        /** In the eigenbases of both factors, the product of their eigenvalues damped. */
        EIGEN
    }

    /** Whose start, scale and damping of the factors. */
    enum Convention {
        PAPER,
        KFAC_PYTORCH
    }

    private static final String[] FACTOR = DampedInverses.FACTOR;
    private static final String[] BASIS = {"leftBasis", "rightBasis"};
    private static final String[] EIGENVALUES = {"leftEigenvalues", "rightEigenvalues"};

    private final Form form;
    private final Convention convention;

    KFAC(OptimizerSettings settings, Precision precision) {
        super(settings, precision);
        this.form = settings.get(FORM);
        this.convention = settings.get(CONVENTION);
    }

    @Override
    List<TensorSpec> factors(int rows, int columns) {
        return form == Form.INVERSE
                ? DampedInverses.tensors(rows, columns)
                : List.of(
                        TensorSpec.symmetric(FACTOR[RefreshTask.LEFT], rows),
                        TensorSpec.symmetric(FACTOR[RefreshTask.RIGHT], columns),
                        TensorSpec.dense(BASIS[RefreshTask.LEFT], rows, rows),
                        TensorSpec.dense(BASIS[RefreshTask.RIGHT], columns, columns),
                        TensorSpec.dense(EIGENVALUES[RefreshTask.LEFT], rows, 1),
                        TensorSpec.dense(EIGENVALUES[RefreshTask.RIGHT], columns, 1));
    }

    @Override
    void follow(Matrix activations, Matrix gradients, boolean first, double decay, long step, LayerState state) {
        Matrix left = state.tensor(FACTOR[RefreshTask.LEFT]);
        Matrix right = state.tensor(FACTOR[RefreshTask.RIGHT]);
        double batch = activations.rows();
        double rho = decay;
        double scale = 1 / batch;
        if (convention == Convention.PAPER) {
            rho = Math.min(1 - 1.0 / step, decay);
        } else {
            scale /= batch * batch;
            if (first) {
                left.setIdentity(1);
                right.setIdentity(1);
            }
        }
        left.addGram((1 - rho) * scale, gradients, true, rho);
        right.addGram((1 - rho) / batch, activations, true, rho);
        state.markDirty(FACTOR[RefreshTask.LEFT]);
        state.markDirty(FACTOR[RefreshTask.RIGHT]);
    }

    @Override
    double precondition(LayerGradient gradient, Matrix direction, LayerState state) {
        if (form == Form.INVERSE) {
            return DampedInverses.apply(products, gradient, direction, state);
        }
        Matrix leftBasis = state.tensor(BASIS[RefreshTask.LEFT]);
        Matrix rightBasis = state.tensor(BASIS[RefreshTask.RIGHT]);
        Matrix rotated = rotated(direction);
        products.between(leftBasis, gradient, rightBasis, rotated);
        double dot = divide(rotated, column(state, RefreshTask.LEFT), column(state, RefreshTask.RIGHT), damping(state));
        products.around(1, leftBasis, rotated, rightBasis, direction, 0);
        return dot;
    }

    private static double[] column(LayerState state, int side) {
        Matrix eigenvalues = state.tensor(EIGENVALUES[side]);
        double[] column = new double[eigenvalues.rows()];
        eigenvalues.read(0, column, 0, column.length);
        return column;
    }

    /** Returns the inner product of what it divides and the quotient, which rotations leave alone. */
    private static double divide(Matrix rotated, double[] left, double[] right, double damping) {
        double[] row = new double[right.length];
        double[] dots = new double[right.length];
        for (int i = 0; i < left.length; i++) {
            rotated.read(i * row.length, row, 0, row.length);
            divideRow(row, left[i], right, damping, dots);
            rotated.write(i * row.length, row, 0, row.length);
        }
        return sum(dots);
    }

    /** Adds each column's part of the inner product to its own sum, so that the loop vectorises. */
    private static void divideRow(double[] row, double left, double[] right, double damping, double[] dots) {
        for (int j = 0; j < row.length; j++) {
            double quotient = row[j] / (left * right[j] + damping);
            dots[j] += row[j] * quotient;
            row[j] = quotient;
        }
    }

    @Override
    public RefreshTask task(LayerState state, int side) {
        Matrix factor = state.tensor(FACTOR[side]);
        if (form == Form.EIGEN) {
            return RefreshTask.basis(side, RefreshMethod.EIGENDECOMPOSITION, factor, null);
        }
        if (convention == Convention.KFAC_PYTORCH) {
            return RefreshTask.inverse(side, factor, damping(state));
        }
        return DampedInverses.task(state, side, damping(state));
    }

    @Override
    public void install(LayerState state, int side, Decomposition decomposition) {
        if (!decomposition.succeeded()) {
            return;
        }
        if (form == Form.INVERSE) {
            DampedInverses.install(state, side, decomposition.matrix());
        } else {
            state.tensor(BASIS[side]).copyFrom(decomposition.matrix());
            Matrix eigenvalues = state.tensor(EIGENVALUES[side]);
            for (int i = 0; i < eigenvalues.rows(); i++) {
                eigenvalues.set(i, 0, Math.max(0, decomposition.eigenvalues()[i]));
            }
            state.markDirty(BASIS[side]);
            state.markDirty(EIGENVALUES[side]);
        }
        markRefreshed(state, side);
    }
}
