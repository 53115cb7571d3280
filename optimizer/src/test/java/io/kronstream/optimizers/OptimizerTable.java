// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.fisher.RefreshMethod;
import io.kronstream.optimizers.DyKAF.Integrator;
import io.kronstream.optimizers.DyKAF.Start;
import java.util.stream.Stream;

/** The optimizers that the tests of what all of them promise run over. A new one joins by a line. */
public final class OptimizerTable {
    private OptimizerTable() {}

    /** Every name at least once, and what changes the computation. */
    public static Stream<OptimizerSettings> all() {
        return Stream.of(
                OptimizerSettings.defaults("sgd").with(Knobs.LEARNING_RATE, 1e-3),
                OptimizerSettings.defaults("nesterov").with(Knobs.LEARNING_RATE, 1e-3),
                OptimizerSettings.defaults("adam"),
                OptimizerSettings.defaults("adamw").with(Adam.WEIGHT_DECAY, 0.0),
                OptimizerSettings.defaults("eva")
                        .with(Knobs.LEARNING_RATE, 1e-3)
                        .with(Eva.DAMPING, 1.0),
                OptimizerSettings.defaults("adahessian"),
                OptimizerSettings.defaults("adafactor"),
                OptimizerSettings.defaults("adafactor")
                        .with(AdaFactor.MOMENTUM, true)
                        .with(AdaFactor.RELATIVE_STEP, true),
                OptimizerSettings.defaults("adagrad"),
                OptimizerSettings.defaults("ftrl"),
                OptimizerSettings.defaults("ftrl").with(FTRL.L1, 0.01).with(FTRL.L2, 0.01),
                adaFisher("adafisher"),
                adaFisher("adafisher-code"),
                adaFisher("adafisherw"),
                adaFisher("adafisherw-code"),
                OptimizerSettings.defaults("kfac"),
                OptimizerSettings.defaults("kfac").with(KFAC.FORM, KFAC.Form.EIGEN),
                OptimizerSettings.defaults("kfac")
                        .with(KFAC.CONVENTION, KFAC.Convention.KFAC_PYTORCH)
                        .with(KroneckerOptimizer.DAMPING, 1.0)
                        .with(KroneckerOptimizer.KL_CLIP, 1e-6),
                OptimizerSettings.defaults("kfac")
                        .with(KroneckerOptimizer.ADAPTATION, KroneckerOptimizer.Adaptation.LEVENBERG_MARQUARDT),
                OptimizerSettings.defaults("kpsvd"),
                OptimizerSettings.defaults("deflation"),
                OptimizerSettings.defaults("lanczos"),
                OptimizerSettings.defaults("lanczos")
                        .with(TwoProductOptimizer.INDEFINITE, TwoProductOptimizer.Indefinite.FIRST_PRODUCT),
                OptimizerSettings.defaults("kfac-corrected"),
                OptimizerSettings.defaults("shampoo"),
                OptimizerSettings.defaults("shampoo")
                        .with(Shampoo.ACCUMULATION, Shampoo.Accumulation.SUM)
                        .with(Shampoo.GRAFTING, Shampoo.Grafting.NONE),
                OptimizerSettings.defaults("shampoo").with(Blocked.BLOCK_SIZE, 4),
                OptimizerSettings.defaults("soap"),
                OptimizerSettings.defaults("soap").with(EigenbasisOptimizer.MAX_SIDE, 5),
                OptimizerSettings.defaults("dykaf").with(EigenbasisOptimizer.MAX_SIDE, 5),
                OptimizerSettings.defaults("dykaf"),
                surrounded("adam", Surroundings.Schedule.INVERSE_SQRT, Surroundings.Averaging.PUBLISHED),
                surrounded("soap", Surroundings.Schedule.COSINE, Surroundings.Averaging.NONE),
                surrounded("sgd", Surroundings.Schedule.CONSTANT, Surroundings.Averaging.PREDICTING)
                        .with(Knobs.LEARNING_RATE, 1e-3),
                dykaf(RefreshMethod.EIGENDECOMPOSITION, Integrator.SEQUENTIAL, Start.RELATIVE_EPSILON, false),
                dykaf(RefreshMethod.QR_ITERATION, Integrator.PARALLEL, Start.ABSOLUTE_EPSILON, true),
                dykaf(RefreshMethod.QR_ITERATION, Integrator.SEQUENTIAL_OLD_LEFT, Start.KRON, false),
                dykaf(RefreshMethod.EIGENDECOMPOSITION, Integrator.SEQUENTIAL, Start.KRON, true));
    }

    /** With steps of the size of the gradients, as the undamped ones are bounded by lr / damping alone. */
    private static OptimizerSettings adaFisher(String name) {
        return OptimizerSettings.defaults(name)
                .with(AdaFisher.DAMPING, 1.0)
                .with(AdaFisher.FACTOR_INTERVAL, 10)
                .with(Adam.WEIGHT_DECAY, 0.0);
    }

    /** Without decay, under which nothing stays where it is. */
    private static OptimizerSettings surrounded(
            String name, Surroundings.Schedule schedule, Surroundings.Averaging averaging) {
        return OptimizerSettings.defaults(name)
                .with(Surroundings.SCHEDULE, schedule)
                .with(Surroundings.WARM_UP, 5)
                .with(Surroundings.CLIP_NORM, 2.0)
                .with(Surroundings.CLIP_VALUE, 0.5)
                .with(Surroundings.AVERAGING, averaging);
    }

    private static OptimizerSettings dykaf(
            RefreshMethod method, Integrator integrator, Start start, boolean rankOneSecondMoment) {
        return OptimizerSettings.defaults("dykaf")
                .with(Knobs.REFRESH_METHOD, method)
                .with(DyKAF.INTEGRATOR, integrator)
                .with(DyKAF.START, start)
                .with(DyKAF.RANK_ONE_SECOND_MOMENT, rankOneSecondMoment);
    }
}
