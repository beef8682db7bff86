// A humanoid of bones with any axes, made of text.
using System;
using System.Collections.Generic;
using System.Globalization;
using UnityEngine;

public static class MadeFigure
{
    // Each line: bone, parent bone, rest rotation x y z w in the world, place in the world.
    public static Animator Stand(string[] lines)
    {
        var top = new GameObject("figure");
        top.transform.localPosition = new Vector3(1, 0, 2);
        top.transform.localRotation = new Quaternion(0, 0.6f, 0, 0.8f);
        var animator = top.AddComponent<Animator>();
        animator.isHuman = true;
        var skeleton = new List<SkeletonBone>();
        foreach (string line in lines)
        {
            string[] words = line.Split(' ');
            float[] n = Array.ConvertAll(words[2].Split(','), w => float.Parse(w, CultureInfo.InvariantCulture));
            var part = new GameObject(words[0]).transform;
            part.SetParent(words[1] == "-" ? top.transform : animator.bones[Bone(words[1])], false);
            part.rotation = top.transform.rotation * new Quaternion(n[0], n[1], n[2], n[3]);
            part.position = top.transform.TransformPoint(new Vector3(n[4], n[5], n[6]));
            skeleton.Add(new SkeletonBone { name = words[0], rotation = part.localRotation });
            animator.bones[Bone(words[0])] = part;
        }
        animator.avatar = new Avatar { humanDescription = new HumanDescription { skeleton = skeleton.ToArray() } };
        // The model itself was made in another pose than its avatar's T-pose.
        animator.bones[HumanBodyBones.LeftUpperArm].localRotation = new Quaternion(0.6f, 0, 0, 0.8f);
        return animator;
    }

    public static HumanBodyBones Bone(string name) { return (HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), name); }

    /// <summary>Of the bones, as seen from the figure's own object.</summary>
    public static List<Vector3> Places(Animator animator, string[] lines)
    {
        Transform top = animator.transform;
        var places = new List<Vector3>();
        foreach (string line in lines)
        {
            Transform part = animator.bones[Bone(line.Split(' ')[0])];
            places.Add(Quaternion.Inverse(top.rotation) * (part.position - top.position));
        }
        return places;
    }
}
