"""The course's plan as data: chapters in order, their lessons, and which lessons are on the core path."""
import typing


class Lesson(typing.NamedTuple):
    """One notebook: its chapter's folder, its file's name without .ipynb, and whether it is on the core path or a side room."""

    chapter: str
    name: str
    core: bool

    @property
    def path(self):
        """Its file, from the course's root."""
        return f"{self.chapter}/{self.name}.ipynb"


# chapter's folder: (label on the map, lessons in reading order); a star marks the core path
PLAN = {
    "ch01_intro": ("1 intro", """
        * 01_what_is_a_language_model  * 02_tensors_and_gradients  * 03_a_first_neural_model  * 04_roadmap"""),
    "ch02_tokenization": ("2 tokenization", """
        * 01_text_to_tokens  * 02_byte_pair_encoding  03_wordpiece_and_unigram  * 04_cleaning_data  * 05_batches_and_streams
        * 06_embeddings"""),
    "ch03_attention": ("3 attention", """
        * 01_self_attention  * 02_multi_head_attention  * 03_positions  * 04_kv_cache_and_variants  05_flash_attention"""),
    "ch04_gpt_model": ("4 model", """
        * 01_gpt2  * 02_modern_llm  * 03_text_generation  04_memory_and_compute"""),
    "ch05_pretraining": ("5 pretraining", """
        * 01_pretraining  02_when_training_goes_wrong  * 03_evaluation  * 04_pretrained_weights  05_speedrun
        06_scaling_laws  07_data_parallel  08_model_parallel  09_your_own_text"""),
    "ch06_classification": ("6 classify", """
        * 01_finetune_classifier  02_lora  03_looking_inside"""),
    "ch07_instruction": ("7 instruct", """
        * 01_instruction_tuning  02_preference_tuning  03_reinforcement_learning  04_quantization  * 05_chat"""),
}


def _lessons(chapter, names):
    words = names.split()
    return [Lesson(chapter, word, before == "*") for before, word in zip([""] + words, words) if word != "*"]


LABELS = {chapter: label for chapter, (label, _) in PLAN.items()}
LESSONS = [lesson for chapter, (_, names) in PLAN.items() for lesson in _lessons(chapter, names)]


def course_map(chapter, name):
    """The course drawn small, the notebook `chapter`/`name` lit: chapters, a dot a lesson, where you are, what the dots mean.

    `name` is a lesson's, or "solutions". Raises ValueError for a notebook that isn't in the plan.
    """
    labels, dots, column, here = "", "", 1, None
    for folder, label in LABELS.items():
        lessons = [lesson for lesson in LESSONS if lesson.chapter == folder]
        lit = [lesson.name == name and folder == chapter for lesson in lessons]
        row = "─".join("◉" if now else "●" if lesson.core else "○" for lesson, now in zip(lessons, lit))
        if any(lit):
            here = column + 2 * lit.index(True)
        elif folder == chapter and name == "solutions":
            here = column
        labels, dots = labels.ljust(column) + label, dots.ljust(column) + row
        column += max(len(label), len(row)) + 3
    if here is None:
        raise ValueError(f"{chapter}/{name}.ipynb is not in the course's plan (tools/lessons.py)")
    side_room = any(lesson == (chapter, name, False) for lesson in LESSONS)
    legend = " ● core path   ○ side room" + " (this is one)" * side_room
    return "\n".join([labels, dots, _pointer(name, here, column), legend])


def _pointer(name, here, width):
    """The line under the dots: an elbow at column `here`, the place's name right of it, or left where there is no room."""
    place = f"you are here: {name.replace('_', ' ')}"
    if here + 2 + len(place) <= width:
        return f"{'':{here}}└ {place}"
    return f"{place} ┘".rjust(here + 1)
