/*
 * onnx_ml.c -- operators of ai.onnx.ml of older versions, in the form that the operator table has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <string.h>

static Onnx__AttributeProto *new_attribute(onnx_node *n, char *name, Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = BASE_ARENA_NEW(n->in->scratch, Onnx__AttributeProto);
    const Onnx__AttributeProto **attrs = BASE_ARENA_ARRAY(n->in->scratch, const Onnx__AttributeProto *,
                                                          (size_t)n->n_attrs + 1);
    if (a == NULL || attrs == NULL) {
        return NULL;
    }
    onnx__attribute_proto__init(a);
    a->name = name;
    a->has_type = true;
    a->type = type;
    if (n->n_attrs > 0) {
        memcpy(attrs, n->attrs, n->n_attrs * sizeof *attrs);
    }
    attrs[n->n_attrs++] = a;
    n->attrs = attrs;
    return a;
}

/* LabelEncoder 1: strings stand for their places in one list, in the direction that the operand's type says. */
static sy_status label_encoder_1(onnx_node *n)
{
    static char keys[2][16] = { "keys_strings", "keys_int64s" }, values[2][16] = { "values_strings", "values_int64s" };
    const Onnx__AttributeProto *classes = ir_onnx_attr_take(n, "classes_strings");
    if (classes == NULL || n->n_inputs != 1 || n->inputs[0] == NULL) {
        return ir_onnx_fail(n, SY_EFORMAT, "one operand and attribute 'classes_strings' are needed");
    }
    const bool from_ints = n->inputs[0]->type.dtype == SY_DT_I64;
    Onnx__AttributeProto *texts = new_attribute(n, from_ints ? values[0] : keys[0], ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS);
    Onnx__AttributeProto *places = texts != NULL ? new_attribute(n, from_ints ? keys[1] : values[1],
                                                                 ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS)
                                                 : NULL;
    int64_t *numbers = BASE_ARENA_ARRAY(n->in->scratch, int64_t, classes->n_strings);
    if (places == NULL || numbers == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < classes->n_strings; i++) {
        numbers[i] = (int64_t)i;
    }
    texts->n_strings = places->n_ints = classes->n_strings;
    texts->strings = classes->strings;
    places->ints = numbers;
    return SY_OK;
}

sy_status ir_onnx_ml_rules(onnx_node *n)
{
    return n->version < 2 && strcmp(n->op, "LabelEncoder") == 0 ? label_encoder_1(n) : SY_OK;
}
