// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Precision;
import java.util.ArrayList;
import java.util.List;

/** The optimizers by name. One joins by a line in the registry, and so does a preset: another name for other defaults. */
public final class Optimizers {
    private static final List<Entry> REGISTRY = List.of(
            new Entry("dykaf", DyKAF.KNOBS, DyKAF::new),
            new Entry("soap", SOAP.KNOBS, SOAP::new),
            new Entry("shampoo", Shampoo.KNOBS, Optimizers::shampoo),
            new Entry("kfac", KFAC.KNOBS, KFAC::new),
            new Entry("kpsvd", KPSVD.KNOBS, KPSVD::new),
            new Entry("deflation", Deflation.KNOBS, Deflation::new),
            new Entry("lanczos", Lanczos.KNOBS, Lanczos::new),
            new Entry("kfac-corrected", KFACCorrected.KNOBS, KFACCorrected::new),
            new Entry("eva", Eva.KNOBS, (settings, precision) -> new Eva(settings)),
            new Entry("adam", Adam.KNOBS, (settings, precision) -> new Adam(settings)),
            new Entry("adamw", AdamW.KNOBS, (settings, precision) -> new AdamW(settings)),
            new Entry("adahessian", AdaHessian.KNOBS, (settings, precision) -> new AdaHessian(settings)),
            new Entry("adafactor", AdaFactor.KNOBS, (settings, precision) -> new AdaFactor(settings)),
            new Entry("adafisher", AdaFisher.PAPER_KNOBS, (settings, precision) -> new AdaFisher(settings)),
            new Entry("adafisher-code", AdaFisher.CODE_KNOBS, (settings, precision) -> new AdaFisher(settings)),
            new Entry("adafisherw", AdaFisherW.PAPER_KNOBS, (settings, precision) -> new AdaFisherW(settings)),
            new Entry("adafisherw-code", AdaFisherW.CODE_KNOBS, (settings, precision) -> new AdaFisherW(settings)),
            new Entry("adagrad", Adagrad.KNOBS, (settings, precision) -> new Adagrad(settings)),
            new Entry("ftrl", FTRL.KNOBS, (settings, precision) -> new FTRL(settings)),
            new Entry("sgd", SGD.KNOBS, (settings, precision) -> new SGD(settings, false)),
            new Entry("nesterov", SGD.KNOBS, (settings, precision) -> new SGD(settings, true)));

    private record Entry(String name, List<Knob<?>> knobs, Factory factory) {}

    private interface Factory {
        Optimizer create(OptimizerSettings settings, Precision precision);
    }

    private Optimizers() {}

    private static Optimizer shampoo(OptimizerSettings settings, Precision precision) {
        return new Blocked(new Shampoo(settings, precision), settings);
    }

    /** Every name that {@code --optimizer} takes. */
    public static List<String> names() {
        return REGISTRY.stream().map(Entry::name).toList();
    }

    /** All knobs of an optimizer, its own and those around it; none if the name is unknown. */
    public static List<Knob<?>> knobs(String name) {
        List<Knob<?>> knobs = new ArrayList<>(ownKnobs(name));
        knobs.addAll(knobsAround(name));
        return knobs;
    }

    /** The knobs of the algorithm itself, in the order in which they are documented; none if the name is unknown. */
    static List<Knob<?>> ownKnobs(String name) {
        for (Entry entry : REGISTRY) {
            if (entry.name.equals(name)) {
                return entry.knobs;
            }
        }
        return List.of();
    }

    /** The knobs of what can be put around an optimizer: schedule, clipping, decay, averages. */
    static List<Knob<?>> knobsAround(String name) {
        return names().contains(name) ? Surroundings.knobs(ownKnobs(name)) : List.of();
    }

    /**
     * An optimizer for one thread; the caller closes it.
     *
     * @throws IllegalArgumentException if the settings have problems
     */
    public static Optimizer create(OptimizerSettings settings, Precision precision) {
        List<String> problems = settings.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        for (Entry entry : REGISTRY) {
            if (entry.name.equals(settings.name())) {
                Optimizer optimizer = entry.factory.create(settings, precision);
                return Surroundings.of(settings).isEmpty() ? optimizer : new Surrounded(optimizer, settings, precision);
            }
        }
        throw new IllegalStateException("Settings without problems name an optimizer");
    }
}
